/**
 * A stream of another process, as its reader in this one sees it.
 *
 * Workers in processes load this file.
 *
 * @module
 */

import { toErrorRecord } from "../errors.ts";
import { FRAME, WINDOW } from "./stream_frames.ts";
import type { SendFrame } from "./stream_source.ts";

/** Asks for chunks as they are read, and holds no more of them than the window allows. */
export class StreamSink {
  /** What the reader reads. */
  readonly stream: ReadableStream<Uint8Array>;
  #controller!: ReadableStreamDefaultController<Uint8Array>;
  #wake: (() => void) | undefined;
  /** Chunks that were asked for and have not come. */
  #asked = 0;
  #window = 1;
  #isOver = false;

  /** Begins with nothing asked for, until somebody reads. */
  constructor(id: number, send: SendFrame) {
    this.stream = new ReadableStream<Uint8Array>({
      start: (controller) => void (this.#controller = controller),
      pull: () => {
        if (this.#asked === 0) {
          this.#asked = this.#window;
          send([FRAME.pull, id, this.#window]);
          this.#window = Math.min(WINDOW, this.#window * 2);
        }
        return new Promise<void>((resolve) => this.#wake = resolve);
      },
      cancel: (reason) => {
        this.#isOver = true;
        send([FRAME.cancel, id, toErrorRecord(reason ?? new Error("Nobody reads on"))]);
      },
    }, { highWaterMark: 0 });
  }

  /** Takes a chunk; says whether one was asked for. */
  chunk(bytes: Uint8Array): boolean {
    if (this.#asked === 0) return false;
    this.#asked--;
    if (!this.#isOver) this.#controller.enqueue(bytes);
    this.#awake();
    return true;
  }

  /** The stream has ended. */
  end(): void {
    if (!this.#isOver) this.#controller.close();
    this.#isOver = true;
    this.#awake();
  }

  /** The stream has failed. */
  fail(error: unknown): void {
    if (!this.#isOver) this.#controller.error(error);
    this.#isOver = true;
    this.#awake();
  }

  #awake(): void {
    this.#wake?.();
    this.#wake = undefined;
  }
}
