<?php
// With asynchronous signals handlers run without a dispatch: here at the next turn of the event loop.

echo json_encode([pcntl_async_signals(), pcntl_async_signals(true), pcntl_async_signals()]), "\n";
pcntl_signal(SIGUSR2, function () { echo "handler\n"; });
posix_kill(posix_getpid(), SIGUSR2);
echo "after the kill\n";
pcntl_async_signals(false);
posix_kill(posix_getpid(), SIGUSR2);
echo "before the dispatch\n";
pcntl_signal_dispatch();
