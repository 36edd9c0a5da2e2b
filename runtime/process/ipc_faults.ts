/**
 * Keeps a child from ending this process through the channel between them.
 *
 * Deno reads the channel by itself, and what a child has sent that cannot be read there is an uncaught error here.
 * It says nothing about this process: it is taken out of the way. The child is not heard any more, and ends when it
 * does not answer the next heartbeat.
 *
 * @module
 */

const FAULT =
  /^TypeError: Failed to read value\s+at async readLoop \(ext:deno_node\/internal\/child_process/;

let contained = false;

/** Contains such errors from now on. Doing it again changes nothing. */
export function containChannelFaults(): void {
  if (contained) return;
  contained = true;
  globalThis.addEventListener("error", (event) => {
    if (isChannelFault(event.error)) event.preventDefault();
  });
}

/** Whether an uncaught error comes from the reading of a child's channel. */
export function isChannelFault(error: unknown): boolean {
  return error instanceof TypeError && FAULT.test(error.stack ?? "");
}
