<?php
// Wrong arguments are refused alike, and change nothing. A RangeError stands for PHP's ValueError.
// (KILL and STOP are left out: PHP 8.2 with Zend signals dies of them, newer rules return false.
// What is wrapped in refused() is EINVAL there and an error in newer ones.)

function attempt(callable $call): void {
    try {
        echo json_encode($call()), " ", pcntl_get_last_error(), "\n";
    } catch (Error $error) {
        echo get_class($error), "\n";
    }
}
function refused(callable $call): string {
    try {
        $result = $call();
    } catch (ValueError) {
        $result = false;
    }
    return $result === false || $result === -1 ? "refused" : "done";
}
$none = function () {};
attempt(fn () => pcntl_signal(0, $none));
attempt(fn () => pcntl_signal(-1, $none));
attempt(fn () => pcntl_signal(65, $none));
attempt(fn () => pcntl_signal(SIGUSR2, 2));
attempt(fn () => pcntl_signal(SIGUSR2, "no such function"));
attempt(fn () => pcntl_signal_get_handler(0));
attempt(fn () => pcntl_signal_get_handler(65));
attempt(fn () => refused(fn () => @pcntl_sigprocmask(3, [SIGUSR2])));
attempt(fn () => refused(fn () => @pcntl_sigtimedwait([SIGUSR2], $info, -1)));
attempt(fn () => refused(fn () => @pcntl_sigtimedwait([SIGUSR2], $info, 0, 1_000_000_000)));
attempt(fn () => refused(fn () => @pcntl_sigtimedwait([SIGUSR2], $info, 0, 0)));
attempt(fn () => pcntl_getpriority(null, 9));
attempt(fn () => pcntl_signal_get_handler(SIGUSR2));
