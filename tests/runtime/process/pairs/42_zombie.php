<?php
// A child that has ended takes signals, to no effect, until it is waited for.

pcntl_sigprocmask(SIG_BLOCK, [SIGCHLD]);
$child = pcntl_fork();
if ($child === 0) {
    exit(7);
}
pcntl_sigwaitinfo([SIGCHLD]);
echo json_encode([posix_kill($child, 0), posix_kill($child, SIGKILL)]), "\n";
pcntl_waitpid($child, $status);
echo json_encode([pcntl_wexitstatus($status), posix_kill($child, 0)]), "\n";
