/**
 * Byte streams that come from a worker.
 *
 * A stream whose worker is gone never ends by itself, its chunks and its error may be anything, and it
 * may never stop. What comes out here ends with the worker, holds bytes only and no more of them than
 * allowed, and fails with an error of ours.
 *
 * @module
 */

import { fromErrorRecord, RuntimeError, toErrorRecord } from "../errors.ts";

/** What a {@linkcode guardStream} needs to know. */
export interface GuardStreamOptions {
  /** Errors the stream when it aborts, with its reason. */
  signal?: AbortSignal;
  /** Most bytes that the stream may carry. */
  maxBytes: number;
  /** Hears once how the stream ended: without an argument when all was read. */
  onEnd?(error?: unknown): void;
}

/** Passes the chunks of a worker's stream on, one by one and only when they are asked for. */
export function guardStream(
  source: ReadableStream<unknown>,
  { signal, maxBytes, onEnd }: GuardStreamOptions,
): ReadableStream<Uint8Array> {
  const reader = source.getReader();
  let bytes = 0;
  let over = false;
  let abort = () => {};
  const finish = (error?: unknown) => {
    if (over) return;
    over = true;
    signal?.removeEventListener("abort", abort);
    onEnd?.(error);
  };
  return new ReadableStream<Uint8Array>({
    start(controller) {
      abort = () => {
        if (over) return;
        finish(signal!.reason);
        controller.error(signal!.reason);
        reader.cancel(signal!.reason).catch(ignoreDeadSource);
      };
      if (signal?.aborted) abort();
      else signal?.addEventListener("abort", abort);
    },
    async pull(controller) {
      try {
        const { done, value } = await reader.read();
        if (over) return;
        if (done) {
          finish();
          return controller.close();
        }
        if (!(value instanceof Uint8Array) || !(value.buffer instanceof ArrayBuffer)) {
          throw new RuntimeError("BAD_MESSAGE", "Cannot read the stream: a chunk is not bytes");
        }
        bytes += value.byteLength;
        if (bytes > maxBytes) {
          throw new RuntimeError(
            "RESULT_TOO_LARGE",
            `Cannot read the stream: it holds more than ${maxBytes} bytes`,
          );
        }
        controller.enqueue(value);
      } catch (thrown) {
        if (over) return;
        const error = thrown instanceof RuntimeError ? thrown : rebuildError(thrown);
        finish(error);
        controller.error(error);
        reader.cancel(error).catch(ignoreDeadSource);
      }
    },
    async cancel(reason) {
      finish(reason ?? new DOMException("The stream was cancelled", "AbortError"));
      await reader.cancel(reason).catch(ignoreDeadSource);
    },
  }, { highWaterMark: 0 });
}

/** What a worker's stream failed with is data from the worker: any value, of any size. */
function rebuildError(thrown: unknown): Error {
  return fromErrorRecord(toErrorRecord(thrown));
}

/** A worker that is gone cannot hear that its stream was cancelled, and nobody waits for it to. */
function ignoreDeadSource(): void {}
