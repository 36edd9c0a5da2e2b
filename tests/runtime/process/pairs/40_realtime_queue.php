<?php
// Pending real-time signals stay as many as were sent, and come behind the others.

$signals = [SIGTERM, SIGRTMIN, SIGRTMIN + 2];
pcntl_sigprocmask(SIG_BLOCK, $signals);
foreach ([SIGRTMIN + 2, SIGRTMIN, SIGTERM, SIGRTMIN, SIGTERM, SIGRTMIN] as $signo) {
    posix_kill(posix_getpid(), $signo);
}
for ($i = 0; $i < 5; $i++) {
    echo pcntl_sigtimedwait($signals, $info, 30) - SIGRTMIN, "\n";
}
echo json_encode(pcntl_sigtimedwait($signals, $info, 0, 1_000_000) > 0), "\n";
