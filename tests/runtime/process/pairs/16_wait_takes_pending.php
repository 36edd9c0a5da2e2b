<?php
// A wait takes a pending signal of its set, the lowest number first, and no handler sees it.

$signals = [SIGTERM, SIGUSR2, SIGHUP];
foreach ($signals as $signo) {
    pcntl_signal($signo, function ($signo) { echo "handler $signo\n"; });
}
pcntl_sigprocmask(SIG_BLOCK, $signals);
foreach ($signals as $signo) {
    posix_kill(posix_getpid(), $signo);
}
echo pcntl_sigwaitinfo([SIGTERM, SIGUSR2], $info), "\n";
echo json_encode([$info["signo"], $info["code"] === SI_USER, $info["pid"] === posix_getpid()]), "\n";
echo pcntl_sigtimedwait($signals, $info, 30), "\n";
pcntl_sigprocmask(SIG_UNBLOCK, $signals);
pcntl_signal_dispatch();
