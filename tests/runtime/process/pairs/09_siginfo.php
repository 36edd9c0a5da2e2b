<?php
// The handler is told the signal, its origin and its sender.

pcntl_signal(SIGUSR2, function ($signo, $info) {
    echo json_encode([$signo, $info["signo"], $info["errno"], $info["code"] === SI_USER]), "\n";
    echo json_encode([$info["pid"] === posix_getpid(), $info["uid"] === posix_getuid()]), "\n";
});
posix_kill(posix_getpid(), SIGUSR2);
pcntl_signal_dispatch();
