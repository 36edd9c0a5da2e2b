<?php
// The handler is looked up at the dispatch; what is then ignored or default is dropped.

$old = function () { echo "old\n"; };
pcntl_signal(SIGUSR2, $old);
posix_kill(posix_getpid(), SIGUSR2);
pcntl_signal(SIGUSR2, function () { echo "new\n"; });
pcntl_signal_dispatch();
foreach ([SIG_IGN, SIG_DFL] as $action) {
    pcntl_signal(SIGUSR2, $old);
    posix_kill(posix_getpid(), SIGUSR2);
    pcntl_signal(SIGUSR2, $action);
    pcntl_signal_dispatch();
    echo "dropped\n";
}
