<?php
// SIGCHLD tells which child ended and how, and leaves it to be waited for.

pcntl_sigprocmask(SIG_BLOCK, [SIGCHLD]);
foreach ([9, SIGTERM] as $how) {
    $child = pcntl_fork();
    if ($child === 0) {
        if ($how === SIGTERM) {
            pcntl_sigtimedwait([SIGWINCH], $info, 60);
        }
        exit($how);
    }
    if ($how === SIGTERM) {
        posix_kill($child, SIGTERM);
    }
    echo pcntl_sigwaitinfo([SIGCHLD], $info), "\n";
    echo json_encode([$info["code"], $info["pid"] === $child, $info["status"]]), "\n";
    echo json_encode([pcntl_waitpid(-1, $status) === $child, $status]), "\n";
}
