<?php
// A dispatch inside a handler does nothing.

pcntl_signal(SIGUSR2, function () {
    echo "outer begins\n";
    echo json_encode(pcntl_signal_dispatch()), "\n";
    echo "outer ends\n";
});
pcntl_signal(SIGHUP, function () { echo "inner\n"; });
posix_kill(posix_getpid(), SIGUSR2);
posix_kill(posix_getpid(), SIGHUP);
pcntl_signal_dispatch();
echo "done\n";
