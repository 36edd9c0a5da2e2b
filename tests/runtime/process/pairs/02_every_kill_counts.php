<?php
// A signal that is not blocked is handled as often as it was sent.

$calls = 0;
pcntl_signal(SIGUSR2, function () use (&$calls) { $calls++; });
for ($i = 0; $i < 5; $i++) {
    posix_kill(posix_getpid(), SIGUSR2);
}
echo "$calls\n";
pcntl_signal_dispatch();
echo "$calls\n";
