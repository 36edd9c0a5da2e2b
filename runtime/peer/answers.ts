/**
 * Answers that are sent value by value, each when it is there.
 *
 * @module
 */

import { setImmediate } from "node:timers";
import type { FrameWriter } from "./frames.ts";

/**
 * Sends a value; after the call has ended or its sender has gone, nothing.
 *
 * @throws {DOMException} `DataCloneError` if the value cannot travel.
 * @throws {RuntimeError} `RESULT_TOO_LARGE` if it has too many bytes.
 */
export type Emit = (value: unknown) => void;

/** What a handler returns that answers with several values. */
export class Answers {
  /** Sends the values, and resolves when there are no more. When it rejects, the connection is cut. */
  readonly run: (emit: Emit) => Promise<void>;

  /** Takes what is run once the head of the answer is on its way. */
  constructor(run: (emit: Emit) => Promise<void>) {
    this.run = run;
  }
}

/** What {@linkcode streamValues} needs of a call. */
export interface Streaming {
  /** Makes the frames. */
  frames: FrameWriter;
  /** Encodes a value; throws if that cannot be. */
  encode: (value: unknown) => Uint8Array;
  /** Nobody reads any more. */
  leave: () => void;
  /** All has been handed over. */
  end: () => void;
}

/** The body of an answer. What is sent in one turn of the event loop goes in one piece. */
export function streamValues(
  answers: Answers,
  { frames, encode, leave, end }: Streaming,
): ReadableStream<Uint8Array<ArrayBuffer>> {
  let waiting: Uint8Array[] = [];
  let isFlushing = false;
  let hasRun = false;
  let isOver = false;
  return new ReadableStream({
    start(controller) {
      const flush = () => {
        isFlushing = false;
        if (isOver) return;
        controller.enqueue(frames.pack(waiting, hasRun));
        waiting = [];
        if (!hasRun) return;
        isOver = true;
        end();
        controller.close();
      };
      const stir = () => {
        if (isFlushing || isOver) return;
        isFlushing = true;
        setImmediate(flush);
      };
      const emit = (value: unknown) => {
        if (isOver || hasRun) return;
        waiting.push(encode(value));
        stir();
      };
      Promise.try(answers.run, emit).then(() => {
        hasRun = true;
        stir();
      }, (error) => {
        if (isOver) return;
        isOver = true;
        end();
        controller.error(error);
      });
    },
    cancel() {
      isOver = true;
      waiting = [];
      leave();
    },
  });
}
