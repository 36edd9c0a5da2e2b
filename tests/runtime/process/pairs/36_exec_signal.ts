/**
 * If a signal ends the other program, it has ended this one.
 *
 * @module
 */

import * as pcntl from "../../../../runtime/process/mod.ts";

pcntl.signal(pcntl.SIGTERM, () => console.log("no handler of ours runs"));
await pcntl.exec("/bin/sh", ["-c", "kill -TERM $$"]);
