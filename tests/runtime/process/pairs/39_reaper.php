<?php
// A handler of SIGCHLD finds all children that ended, however many signals told of them.

$codes = [];
$left = 4;
pcntl_async_signals(true);
pcntl_signal(SIGCHLD, function () use (&$codes, &$left) {
    while (pcntl_waitpid(-1, $status, WNOHANG) > 0) {
        $codes[] = pcntl_wexitstatus($status);
        $left--;
    }
});
for ($code = 1; $code <= 4; $code++) {
    if (pcntl_fork() === 0) {
        exit($code);
    }
}
while ($left > 0) {
    usleep(1000);
}
sort($codes);
echo json_encode($codes), " ", pcntl_wait($status), "\n";
