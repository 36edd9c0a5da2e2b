<?php
// Waits name their child, in any order; a second one, or one for a stranger, finds none.

foreach ([1, 2] as $code) {
    $child = pcntl_fork();
    if ($child === 0) {
        exit($code);
    }
    $children[$code] = $child;
}
foreach ([2, 1, 1] as $code) {
    $found = pcntl_waitpid($children[$code], $status);
    if ($found === $children[$code]) {
        echo "code ", pcntl_wexitstatus($status), "\n";
    } else {
        echo $found, " ", pcntl_get_last_error(), "\n";
    }
}
echo pcntl_waitpid(posix_getpid(), $status), " ", pcntl_get_last_error(), "\n";
echo pcntl_waitpid(0, $status), " ", pcntl_get_last_error(), "\n";
echo pcntl_waitpid(-1, $status, 64), " ", pcntl_strerror(pcntl_get_last_error()), "\n";
