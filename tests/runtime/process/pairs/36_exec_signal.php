<?php
// If a signal ends the other program, it has ended this one.

pcntl_signal(SIGTERM, function () { echo "no handler of ours runs\n"; });
pcntl_exec("/bin/sh", ["-c", 'kill -TERM $$']);
