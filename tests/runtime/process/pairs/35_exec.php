<?php
// Another program takes over, with its own arguments and environment; its exit code is ours.

pcntl_signal(SIGTERM, function () {});
echo "before\n";
pcntl_exec("/bin/sh", ["-c", 'echo "$# $0 $1 $2 $A $HOME"; exit 5', "zero", "a b", "c"], ["A" => "b"]);
echo "not reached\n";
