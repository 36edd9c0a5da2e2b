<?php
// A handler that is installed by another handler is there for the signals behind it.

pcntl_signal(SIGUSR2, function () {
    echo "USR2\n";
    pcntl_signal(SIGHUP, function () { echo "HUP, new\n"; });
    pcntl_signal(SIGTERM, SIG_IGN);
});
pcntl_signal(SIGHUP, function () { echo "HUP, old\n"; });
pcntl_signal(SIGTERM, function () { echo "TERM\n"; });
foreach ([SIGHUP, SIGUSR2, SIGTERM, SIGHUP] as $signo) {
    posix_kill(posix_getpid(), $signo);
}
pcntl_signal_dispatch();
