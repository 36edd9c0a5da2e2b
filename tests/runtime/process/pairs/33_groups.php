<?php
// A child with a session of its own is in no group of its parent, and its group can be signalled and waited for.

pcntl_sigprocmask(SIG_BLOCK, [SIGUSR2]);
$child = pcntl_fork();
if ($child === 0) {
    posix_setsid();
    posix_kill(posix_getppid(), SIGUSR2);
    pcntl_sigtimedwait([SIGWINCH], $info, 60);
    exit(0);
}
pcntl_sigwaitinfo([SIGUSR2]);
echo pcntl_waitpid(0, $status, WNOHANG), " ", pcntl_get_last_error(), "\n";
echo json_encode(posix_kill(-$child, SIGTERM)), "\n";
echo json_encode(pcntl_waitpid(-$child, $status) === $child), " ", pcntl_wtermsig($status), "\n";
echo json_encode(posix_kill($child, 0)), "\n";
