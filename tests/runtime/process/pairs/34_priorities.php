<?php
// Priorities are cut to their range and inherited; for a process that is not there the call fails.

echo json_encode([pcntl_setpriority(5), pcntl_getpriority(posix_getpid())]), "\n";
$child = pcntl_fork();
if ($child === 0) {
    echo pcntl_getpriority(), "\n";
    exit(0);
}
pcntl_waitpid($child, $status);
echo json_encode(@pcntl_getpriority($child)), " ", pcntl_get_last_error(), "\n";
echo json_encode(@pcntl_setpriority(19, $child)), " ", pcntl_get_last_error(), "\n";
echo json_encode([pcntl_setpriority(1000), pcntl_getpriority()]), "\n";
