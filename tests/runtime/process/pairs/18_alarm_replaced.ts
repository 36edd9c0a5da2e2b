/**
 * A new alarm takes the place of the old one and tells what that had left.
 * (No time passes between them: Linux rounds the rest to the nearest second, and we round it up.)
 *
 * @module
 */

import * as pcntl from "../../../../runtime/process/mod.ts";

const { alarm } = pcntl;
console.log(JSON.stringify([alarm(60), alarm(30), alarm(0), alarm(0)]));
