<?php
// Each change of the mask tells what it was, in ascending order; KILL and STOP never get into it.

function change(int $how, array $signals): void {
    echo json_encode(pcntl_sigprocmask($how, $signals, $old)), " ", json_encode($old), "\n";
}
change(SIG_BLOCK, [SIGUSR2, SIGHUP]);
change(SIG_BLOCK, [SIGTERM, SIGKILL, SIGSTOP]);
change(SIG_UNBLOCK, [SIGUSR2]);
change(SIG_SETMASK, [SIGALRM, SIGCHLD, (string) SIGINT]);
change(SIG_SETMASK, []);
change(SIG_BLOCK, [64]);
change(SIG_SETMASK, []);
