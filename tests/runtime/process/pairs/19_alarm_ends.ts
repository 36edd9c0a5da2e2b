/**
 * An alarm that nobody handles ends the program.
 *
 * @module
 */

import * as pcntl from "../../../../runtime/process/mod.ts";

pcntl.alarm(1);
console.log("waiting");
await pcntl.sigtimedwait([pcntl.SIGUSR2], 30);
console.log("not reached");
