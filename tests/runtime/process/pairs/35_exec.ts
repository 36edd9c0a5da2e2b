/**
 * Another program takes over, with its own arguments and environment; its exit code is ours.
 *
 * @module
 */

import * as pcntl from "../../../../runtime/process/mod.ts";

pcntl.signal(pcntl.SIGTERM, () => {});
console.log("before");
await pcntl.exec(
  "/bin/sh",
  ["-c", 'echo "$# $0 $1 $2 $A $HOME"; exit 5', "zero", "a b", "c"],
  { A: "b" },
);
console.log("not reached");
