<?php
// An alarm that nobody handles ends the program.

pcntl_alarm(1);
echo "waiting\n";
pcntl_sigtimedwait([SIGUSR2], $info, 30);
echo "not reached\n";
