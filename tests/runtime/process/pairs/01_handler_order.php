<?php
// Handlers run at the dispatch, in the order in which the signals came.

foreach ([SIGHUP, SIGTERM, SIGUSR2] as $signo) {
    pcntl_signal($signo, function ($signo) { echo "handler $signo\n"; });
}
foreach ([SIGTERM, SIGUSR2, SIGHUP] as $signo) {
    posix_kill(posix_getpid(), $signo);
}
echo "before the dispatch\n";
echo json_encode(pcntl_signal_dispatch()), "\n";
pcntl_signal_dispatch();
echo "after two\n";
