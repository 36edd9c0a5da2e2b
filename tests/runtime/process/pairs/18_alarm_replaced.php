<?php
// A new alarm takes the place of the old one and tells what that had left.
// (No time passes between them: Linux rounds the rest to the nearest second, and we round it up.)

echo json_encode([pcntl_alarm(60), pcntl_alarm(30), pcntl_alarm(0), pcntl_alarm(0)]), "\n";
