<?php
// Parent and child wait for each other's signals.

pcntl_sigprocmask(SIG_BLOCK, [SIGUSR2, SIGTERM]);
$child = pcntl_fork();
if ($child === 0) {
    posix_kill(posix_getppid(), SIGUSR2);
    echo "child " . pcntl_sigwaitinfo([SIGTERM, SIGHUP]) . "\n";
    exit(42);
}
echo "parent " . pcntl_sigwaitinfo([SIGUSR2]) . "\n";
posix_kill($child, SIGTERM);
pcntl_waitpid($child, $status);
echo "parent ", pcntl_wexitstatus($status), "\n";
