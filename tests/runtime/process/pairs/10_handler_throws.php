<?php
// What a handler throws comes out of the dispatch, and the program goes on.
// (PHP 8.2 loses the signals behind it, so there are none.)

pcntl_signal(SIGUSR2, function () { throw new Exception("from the handler"); });
pcntl_signal(SIGHUP, function () { echo "HUP\n"; });
posix_kill(posix_getpid(), SIGUSR2);
try {
    pcntl_signal_dispatch();
    echo "not reached\n";
} catch (Exception $error) {
    echo $error->getMessage(), "\n";
}
posix_kill(posix_getpid(), SIGHUP);
pcntl_signal_dispatch();
