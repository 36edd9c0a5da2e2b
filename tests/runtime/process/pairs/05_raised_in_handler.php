<?php
// What arrives while handlers run waits for the next dispatch.

pcntl_signal(SIGUSR2, function () {
    echo "USR2\n";
    posix_kill(posix_getpid(), SIGHUP);
});
pcntl_signal(SIGHUP, function () { echo "HUP\n"; });
posix_kill(posix_getpid(), SIGUSR2);
pcntl_signal_dispatch();
echo "first dispatch is over\n";
pcntl_signal_dispatch();
echo "second dispatch is over\n";
