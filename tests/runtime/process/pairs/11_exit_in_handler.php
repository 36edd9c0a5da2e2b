<?php
// A handler may end the program; nothing behind it runs.

pcntl_signal(SIGTERM, function () {
    echo "TERM\n";
    exit(3);
});
pcntl_signal(SIGHUP, function () { echo "HUP\n"; });
posix_kill(posix_getpid(), SIGTERM);
posix_kill(posix_getpid(), SIGHUP);
pcntl_signal_dispatch();
echo "not reached\n";
