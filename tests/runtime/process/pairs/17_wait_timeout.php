<?php
// A wait that runs out takes nothing and is no error. (PHP 8.2 returns -1 where newer ones return false.)

pcntl_sigprocmask(SIG_BLOCK, [SIGUSR2, SIGHUP]);
posix_kill(posix_getpid(), SIGHUP);
$found = pcntl_sigtimedwait([SIGUSR2], $info, 0, 20_000_000);
echo $found === false || $found === -1 ? "timeout" : $found, "\n";
echo pcntl_get_last_error(), "\n";
echo pcntl_sigtimedwait([SIGUSR2, SIGHUP], $info, 18_446_744_074), "\n";
