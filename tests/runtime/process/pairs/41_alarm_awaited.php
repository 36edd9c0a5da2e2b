<?php
// An alarm that is blocked can be waited for instead of handled, and comes once.

pcntl_signal(SIGALRM, function () { echo "not called\n"; });
pcntl_sigprocmask(SIG_BLOCK, [SIGALRM]);
pcntl_alarm(1);
echo pcntl_sigwaitinfo([SIGALRM, SIGTERM], $info), " ", json_encode($info["code"] === SI_KERNEL), "\n";
echo pcntl_alarm(0), "\n";
pcntl_sigprocmask(SIG_UNBLOCK, [SIGALRM]);
pcntl_signal_dispatch();
