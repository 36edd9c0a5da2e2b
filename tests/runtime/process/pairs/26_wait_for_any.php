<?php
// A wait for any finds each child once, and then there is none.

$expected = [];
foreach ([3, 4, 5] as $code) {
    $child = pcntl_fork();
    if ($child === 0) {
        exit($code);
    }
    $expected[$child] = $code;
}
$right = 0;
for ($i = 0; $i < 3; $i++) {
    $child = pcntl_wait($status);
    $right += pcntl_wexitstatus($status) === $expected[$child] ? 1 : 0;
    unset($expected[$child]);
}
echo json_encode([$right, $expected]), "\n";
echo pcntl_wait($status), " ", pcntl_strerror(pcntl_get_last_error()), "\n";
echo pcntl_waitpid(-1, $status, WNOHANG), "\n";
