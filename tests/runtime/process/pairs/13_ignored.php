<?php
// An ignored signal does nothing, and ignoring forgets one that is pending.

pcntl_signal(SIGTERM, SIG_IGN);
posix_kill(posix_getpid(), SIGTERM);
echo "ignored\n";
pcntl_signal(SIGTERM, SIG_DFL);
pcntl_sigprocmask(SIG_BLOCK, [SIGTERM]);
posix_kill(posix_getpid(), SIGTERM);
pcntl_signal(SIGTERM, SIG_IGN);
pcntl_signal(SIGTERM, SIG_DFL);
pcntl_sigprocmask(SIG_UNBLOCK, [SIGTERM]);
echo "forgotten\n";
posix_kill(posix_getpid(), SIGTERM);
pcntl_sigtimedwait([SIGUSR2], $info, 30);
echo "not reached\n";
