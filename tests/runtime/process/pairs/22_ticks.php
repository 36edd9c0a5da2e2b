<?php
// Tick functions run at every n-th statement, and so do handlers. Here the program says where a statement ends.
// (PHP runs handlers before tick functions and we do so after them, so there is only one kind at a time.)

function note(string $name): void { echo "$name\n"; }
pcntl_signal(SIGUSR2, function () { echo "handler\n"; });
register_tick_function("note", "tick");
register_tick_function("note", "tock");
declare(ticks=2) {
    $i = 1;
    $i = 2;
    $i = 3;
    $i = 4;
    $i = 5;
}
declare(ticks=1) {
    unregister_tick_function("note");
    echo "without the first\n";
    unregister_tick_function("note");
    posix_kill(posix_getpid(), SIGUSR2);
    echo "after the kill\n";
}
