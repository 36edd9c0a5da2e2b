/**
 * Reads a response's body inside a worker: whole when it ends at once, as a stream when it does not.
 *
 * @module
 */

/** Hears that a stream has ended, and whether that was because nobody reads it any more. */
export type OnEnded = (cancelled: boolean) => void;

/** What was read: nothing, the whole, or a function that makes the stream. */
export type ReadBody = null | Uint8Array | ((ended: OnEnded) => ReadableStream<Uint8Array>);

/** Microtasks in which a body of text or bytes is read in full, with room to spare. */
const QUICK_READS = 32;

/**
 * Reads what there is of a body: all of it when it ends within this turn, otherwise a stream that
 * brings what was read and then the rest, chunk by chunk.
 *
 * @throws {TypeError} If a chunk is not bytes.
 */
export async function readBody({ body }: Response): Promise<ReadBody> {
  if (body === null) return null;
  const reader = body.getReader();
  const chunks: Uint8Array[] = [];
  const turn = new Turn();
  let pending = reader.read();
  try {
    while (await turn.brings(pending)) {
      const { done, value } = await pending;
      if (done) return join(chunks);
      if (!(value instanceof Uint8Array)) {
        const error = new TypeError("The response's body holds a chunk that is not bytes");
        reader.cancel(error).catch(callerSaysIt);
        throw error;
      }
      chunks.push(value);
      pending = reader.read();
    }
  } finally {
    turn.end();
  }
  return (ended) => rest(reader, chunks, pending, ended);
}

/** The turn in which a body began; its timer is only set when microtasks do not bring the end. */
class Turn {
  #over: Promise<false> | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** Whether the read settles within the turn. */
  async brings(read: Promise<unknown>): Promise<boolean> {
    let settled = false;
    const settle = () => (settled = true);
    read.then(settle, settle);
    for (let tick = 0; tick < QUICK_READS && this.#over === undefined; tick++) {
      await undefined;
      if (settled) return true;
    }
    this.#over ??= new Promise((resolve) => this.#timer = setTimeout(() => resolve(false)));
    return await Promise.race([read.then(() => true), this.#over]);
  }

  /** Releases the timer. */
  end(): void {
    clearTimeout(this.#timer);
  }
}

function rest(
  reader: ReadableStreamDefaultReader<Uint8Array>,
  chunks: Uint8Array[],
  first: Promise<ReadableStreamReadResult<Uint8Array>>,
  ended: OnEnded,
): ReadableStream<Uint8Array> {
  let pending = first;
  pending.catch(callerSaysIt);
  return new ReadableStream<Uint8Array>({
    async pull(controller) {
      const early = chunks.shift();
      if (early !== undefined) return controller.enqueue(early);
      try {
        const { done, value } = await pending;
        if (!done) {
          controller.enqueue(value);
          pending = reader.read();
          pending.catch(callerSaysIt);
          return;
        }
        controller.close();
      } catch (error) {
        controller.error(error);
      }
      ended(false);
    },
    async cancel(reason) {
      try {
        await reader.cancel(reason);
      } finally {
        ended(true);
      }
    },
  }, { highWaterMark: 0 });
}

function join(chunks: Uint8Array[]): Uint8Array {
  if (chunks.length === 1) return chunks[0]!;
  const whole = new Uint8Array(chunks.reduce((sum, { byteLength }) => sum + byteLength, 0));
  let at = 0;
  for (const chunk of chunks) {
    whole.set(chunk, at);
    at += chunk.byteLength;
  }
  return whole;
}

/** Whoever reads on sees the error. */
function callerSaysIt(): void {}
