<?php
// A blocked signal is pending once, however often it was sent.

$calls = 0;
pcntl_signal(SIGUSR2, function () use (&$calls) { $calls++; });
pcntl_sigprocmask(SIG_BLOCK, [SIGUSR2]);
for ($i = 0; $i < 5; $i++) {
    posix_kill(posix_getpid(), SIGUSR2);
}
pcntl_signal_dispatch();
echo "blocked $calls\n";
pcntl_sigprocmask(SIG_UNBLOCK, [SIGUSR2]);
pcntl_signal_dispatch();
echo "unblocked $calls\n";
