<?php
// A signal with a handler interrupts a wait for others; the handler runs at the dispatch.
// (PHP 8.2 returns -1 where newer ones return false.)

pcntl_signal(SIGALRM, function ($signo, $info) {
    echo "handler ", json_encode([$signo, $info["code"] === SI_KERNEL]), "\n";
});
pcntl_alarm(1);
$found = @pcntl_sigtimedwait([SIGUSR2], $info, 30);
echo $found === false || $found === -1 ? "interrupted" : $found, "\n";
echo pcntl_get_last_error(), " ", pcntl_strerror(pcntl_get_last_error()), "\n";
pcntl_signal_dispatch();
