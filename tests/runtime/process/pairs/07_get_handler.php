<?php
// The handler that was given comes back, or the number that stands for the action.

$handler = function () {};
echo json_encode(pcntl_signal_get_handler(SIGUSR2)), "\n";
pcntl_signal(SIGUSR2, $handler);
echo json_encode(pcntl_signal_get_handler(SIGUSR2) === $handler), "\n";
pcntl_signal(SIGUSR2, SIG_IGN);
echo json_encode(pcntl_signal_get_handler(SIGUSR2)), "\n";
pcntl_signal(SIGUSR2, SIG_DFL);
echo json_encode(pcntl_signal_get_handler(SIGUSR2)), "\n";
