<?php
// While SIGCHLD is ignored, children leave nothing to wait for.

pcntl_signal(SIGCHLD, SIG_IGN);
$child = pcntl_fork();
if ($child === 0) {
    exit(6);
}
echo pcntl_waitpid($child, $status), " ", pcntl_get_last_error(), "\n";
pcntl_signal(SIGCHLD, SIG_DFL);
$child = pcntl_fork();
if ($child === 0) {
    exit(6);
}
echo json_encode(pcntl_waitpid($child, $status) === $child), " ", pcntl_wexitstatus($status), "\n";
