<?php
// The status word tells the exit code of a child, modulo 256.

foreach ([0, 1, 7, 143, 255, 256, -1] as $code) {
    $child = pcntl_fork();
    if ($child === 0) {
        exit($code);
    }
    $same = pcntl_waitpid($child, $status) === $child;
    echo json_encode([$same, $status, pcntl_wifexited($status), pcntl_wexitstatus($status)]), "\n";
    echo json_encode([pcntl_wifsignaled($status), pcntl_wifstopped($status)]), "\n";
}
