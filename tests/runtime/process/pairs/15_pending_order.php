<?php
// Pending signals are released with the lowest number first, whatever the order in which they came.

$signals = [SIGTERM, SIGUSR2, SIGHUP, SIGWINCH, SIGINT];
foreach ($signals as $signo) {
    pcntl_signal($signo, function ($signo) { echo "$signo\n"; });
}
pcntl_sigprocmask(SIG_BLOCK, $signals);
foreach ($signals as $signo) {
    posix_kill(posix_getpid(), $signo);
}
pcntl_sigprocmask(SIG_UNBLOCK, [SIGTERM]);
pcntl_signal_dispatch();
echo "the others\n";
pcntl_sigprocmask(SIG_SETMASK, []);
pcntl_signal_dispatch();
