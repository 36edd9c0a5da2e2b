<?php
// A handler without restart ends a wait for a child; the handler itself runs at the dispatch.

pcntl_signal(SIGALRM, function () { echo "handler\n"; }, false);
$child = pcntl_fork();
if ($child === 0) {
    pcntl_sigtimedwait([SIGWINCH], $info, 60);
    exit(0);
}
pcntl_alarm(1);
echo pcntl_waitpid($child, $status), " ", pcntl_get_last_error(), "\n";
pcntl_signal_dispatch();
posix_kill($child, SIGKILL);
echo json_encode(pcntl_waitpid($child, $status) === $child), "\n";
