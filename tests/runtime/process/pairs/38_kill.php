<?php
// Sending tells whether there is somebody, and success leaves the last error as it is.

$child = pcntl_fork();
if ($child === 0) {
    pcntl_sigtimedwait([SIGWINCH], $info, 60);
    exit(0);
}
echo json_encode([posix_kill(posix_getpid(), 0), posix_kill($child, 0)]), "\n";
echo json_encode(posix_kill($child, 65)), " ", pcntl_strerror(posix_get_last_error()), "\n";
posix_kill($child, SIGKILL);
pcntl_waitpid($child, $status);
echo json_encode(posix_kill($child, SIGTERM)), " ", pcntl_strerror(posix_get_last_error()), "\n";
echo json_encode(posix_kill(posix_getpid(), 0)), " ", posix_get_last_error(), "\n";
