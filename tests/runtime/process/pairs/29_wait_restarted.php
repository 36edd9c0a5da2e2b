<?php
// A handler with restart does not end a wait for a child.

pcntl_signal(SIGALRM, function () { echo "handler\n"; }, true);
pcntl_alarm(1);
$child = pcntl_fork();
if ($child === 0) {
    pcntl_sigtimedwait([SIGWINCH], $info, 1, 500_000_000);
    exit(4);
}
echo json_encode(pcntl_waitpid($child, $status) === $child), " ", pcntl_wexitstatus($status), "\n";
pcntl_signal_dispatch();
echo pcntl_get_last_error(), "\n";
