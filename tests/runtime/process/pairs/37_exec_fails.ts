/**
 * A program that cannot be started leaves this one running, with the reason.
 *
 * @module
 */

import * as pcntl from "../../../../runtime/process/mod.ts";

for (const path of ["/no/such/program", "/etc", "/etc/passwd", "/etc/passwd/x"]) {
  console.log(
    `${JSON.stringify(await pcntl.exec(path))} ${pcntl.strerror(pcntl.getLastError())}`,
  );
}
