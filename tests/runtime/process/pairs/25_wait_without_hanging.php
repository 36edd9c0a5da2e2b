<?php
// With WNOHANG a wait says 0 while the child lives, and there is one end to find.

$child = pcntl_fork();
if ($child === 0) {
    pcntl_sigtimedwait([SIGWINCH], $info, 60);
    exit(0);
}
echo pcntl_waitpid($child, $status, WNOHANG), "\n";
echo pcntl_wait($status, WNOHANG), "\n";
echo pcntl_get_last_error(), "\n";
posix_kill($child, SIGKILL);
while (($found = pcntl_waitpid($child, $status, WNOHANG)) === 0) {
    usleep(1000);
}
echo json_encode([$found === $child, pcntl_wtermsig($status)]), "\n";
echo pcntl_waitpid($child, $status, WNOHANG), " ", pcntl_get_last_error(), "\n";
