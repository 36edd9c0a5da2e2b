<?php
// The last error is that of the last failure; what succeeds leaves it.

echo pcntl_get_last_error(), "\n";
pcntl_wait($status);
echo pcntl_get_last_error(), "\n";
pcntl_sigprocmask(SIG_BLOCK, [SIGUSR2]);
pcntl_alarm(0);
echo pcntl_errno(), "\n";
@pcntl_getpriority(2_147_483_647);
echo pcntl_errno(), " ", pcntl_strerror(pcntl_errno()), "\n";
