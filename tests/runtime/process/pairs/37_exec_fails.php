<?php
// A program that cannot be started leaves this one running, with the reason.

foreach (["/no/such/program", "/etc", "/etc/passwd", "/etc/passwd/x"] as $path) {
    echo json_encode(@pcntl_exec($path)), " ", pcntl_strerror(pcntl_get_last_error()), "\n";
}
