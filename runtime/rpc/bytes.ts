/**
 * Reads a body whole, up to a limit and for so long.
 *
 * @module
 */

import { LONGEST_TIMER_MS } from "../checks.ts";

/** What may have a body: a request or a response. */
type Message = Pick<Request, "headers" | "body" | "arrayBuffer">;

/** Why a body was not read: it is above the limit, or its time was up. */
export type Unread = "large" | "late";

/** Bodies up to this size are read at once. */
const SHORT_BYTES = 2 ** 16;
const NOTHING = new Uint8Array(0);

/**
 * Reads a body; what is above `maxBytes` is not read any further, and neither is what has not come within `timeoutMs`
 * milliseconds.
 *
 * @throws What the body itself fails with.
 */
export async function readBytes(
  message: Message,
  maxBytes: number,
  timeoutMs: number,
): Promise<Uint8Array<ArrayBuffer> | Unread> {
  const { headers, body } = message;
  if (body === null) return NOTHING;
  const length = headers.get("content-length");
  if (Number(length) > maxBytes) {
    dismiss(body);
    return "large";
  }
  let timer: ReturnType<typeof setTimeout> | undefined;
  let stop = () => {};
  const late = new Promise<"late">((resolve) => {
    if (timeoutMs > LONGEST_TIMER_MS) return;
    timer = setTimeout(() => {
      resolve("late");
      stop();
    }, timeoutMs);
  });
  // A stream costs more than a short body of known length, which nothing can stop.
  // Unpacked or in chunks, it is as long as it likes, whatever else is said.
  const isShort = length !== null && Number(length) <= SHORT_BYTES &&
    !headers.has("content-encoding") && !headers.has("transfer-encoding");
  const read = isShort
    ? message.arrayBuffer().then((buffer) => new Uint8Array(buffer))
    : readStream(body, maxBytes, (cancel) => stop = cancel);
  read.catch(isEndedAlready);
  try {
    return await Promise.race([read, late]);
  } finally {
    clearTimeout(timer);
  }
}

async function readStream(
  body: ReadableStream<Uint8Array>,
  maxBytes: number,
  onCancel: (cancel: () => void) => void,
): Promise<Uint8Array<ArrayBuffer> | "large"> {
  const reader = body.getReader();
  const cancel = () => void reader.cancel().catch(isEndedAlready);
  onCancel(cancel);
  const chunks: Uint8Array[] = [];
  let size = 0;
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return join(chunks, size);
    size += value.byteLength;
    if (size > maxBytes) {
      cancel();
      return "large";
    }
    chunks.push(value);
  }
}

/** Lets a body go that nobody reads. */
export function dismiss(body: ReadableStream | null): void {
  body?.cancel().catch(isEndedAlready);
}

function join(chunks: readonly Uint8Array[], size: number): Uint8Array<ArrayBuffer> {
  const [only] = chunks;
  if (chunks.length === 1 && only!.buffer instanceof ArrayBuffer) {
    return only as Uint8Array<ArrayBuffer>;
  }
  const whole = new Uint8Array(size);
  let at = 0;
  for (const chunk of chunks) {
    whole.set(chunk, at);
    at += chunk.byteLength;
  }
  return whole;
}

/** A body that cannot be cancelled has failed, which its reader was told. */
function isEndedAlready(): void {}
