<?php
// Unblocked while it is pending, a signal without handler ends the program.

pcntl_sigprocmask(SIG_BLOCK, [SIGTERM]);
posix_kill(posix_getpid(), SIGTERM);
echo "held back\n";
pcntl_sigprocmask(SIG_UNBLOCK, [SIGTERM]);
pcntl_sigtimedwait([SIGUSR2], $info, 30);
echo "not reached\n";
