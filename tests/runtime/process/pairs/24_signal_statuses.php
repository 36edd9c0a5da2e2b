<?php
// The status word tells the signal that ended a child. (Not of those that may leave a core file.)

foreach ([SIGHUP, SIGINT, SIGKILL, SIGUSR2, SIGALRM, SIGTERM] as $signo) {
    $child = pcntl_fork();
    if ($child === 0) {
        pcntl_sigtimedwait([SIGWINCH], $info, 60);
        exit(0);
    }
    posix_kill($child, $signo);
    pcntl_waitpid($child, $status);
    echo json_encode([$status, pcntl_wifsignaled($status), pcntl_wtermsig($status)]), "\n";
    echo json_encode([pcntl_wifexited($status), pcntl_wifstopped($status)]), "\n";
}
