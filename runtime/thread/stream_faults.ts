/**
 * Keeps a worker from ending the box through the port below a stream.
 *
 * A stream that crosses to or from a worker travels over a port which the worker can get hold of, by
 * replacing `addEventListener` before the stream is made. Deno reads what arrives there without
 * looking, so that a message of `null` is an uncaught error in the entry, even when the guard has
 * refused the message that brought the stream. Such an error says nothing about the entry: it is
 * taken out of the way, and every other one is left alone.
 *
 * @module
 */

/** The first line of the trace of an error that Deno made while it read a stream's port. */
const FAULT = /^\s*at MessagePort\.\S+ \(ext:deno_web\/06_streams\.js:/;

let contained = false;

/** Contains such errors from now on. Doing it again changes nothing. */
export function containStreamFaults(): void {
  if (contained) return;
  contained = true;
  globalThis.addEventListener("error", (event) => {
    if (isStreamFault(event.error)) event.preventDefault();
  });
}

/** Whether an uncaught error comes from the port below a stream. */
export function isStreamFault(error: unknown): boolean {
  if (!(error instanceof TypeError) || typeof error.stack !== "string") return false;
  const trace = error.stack.slice(error.stack.indexOf(error.message) + error.message.length);
  return FAULT.test(trace.trimStart());
}
