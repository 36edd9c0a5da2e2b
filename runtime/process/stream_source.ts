/**
 * A stream of this process whose reader is in another one: its chunks are sent as they are asked for.
 *
 * Workers in processes load this file.
 *
 * @module
 */

import { toErrorRecord } from "../errors.ts";
import { FRAME, MAX_CHUNK, WINDOW } from "./stream_frames.ts";

/** Sends a frame. */
export type SendFrame = (frame: readonly unknown[]) => void;

/** Reads a stream and sends what it brings. */
export class StreamSource {
  readonly #reader: ReadableStreamDefaultReader<unknown>;
  readonly #id: number;
  readonly #send: SendFrame;
  readonly #onOver: () => void;
  #credit = 0;
  #rest: Uint8Array | undefined;
  #isReading = false;
  #isOver = false;

  /** Locks the stream; `onOver` hears that nothing more will be sent. */
  constructor(stream: ReadableStream<unknown>, id: number, send: SendFrame, onOver: () => void) {
    this.#reader = stream.getReader();
    this.#id = id;
    this.#send = send;
    this.#onOver = onOver;
  }

  /** Sends so many more chunks; says whether that is more than may be on the way. */
  pull(count: number): boolean {
    this.#credit += count;
    if (this.#credit > 2 * WINDOW) return false;
    this.#feed();
    return true;
  }

  /** Nobody reads on. */
  cancel(reason: unknown): void {
    if (this.#isOver) return;
    this.#end([FRAME.end, this.#id]);
    this.#reader.cancel(reason).catch(readerIsGone);
  }

  async #feed(): Promise<void> {
    if (this.#isReading) return;
    this.#isReading = true;
    try {
      while (this.#credit > 0 && !this.#isOver) {
        const chunk = this.#rest ?? await this.#read();
        if (chunk === undefined || this.#isOver) return;
        this.#rest = chunk.byteLength > MAX_CHUNK ? chunk.subarray(MAX_CHUNK) : undefined;
        this.#credit--;
        // A view would take all that it looks at along.
        this.#send([FRAME.chunk, this.#id, chunk.slice(0, MAX_CHUNK)]);
      }
    } catch (error) {
      if (this.#isOver) return;
      this.#end([FRAME.error, this.#id, toErrorRecord(error)]);
      this.#reader.cancel(error).catch(readerIsGone);
    } finally {
      this.#isReading = false;
    }
  }

  async #read(): Promise<Uint8Array | undefined> {
    const { done, value } = await this.#reader.read();
    if (this.#isOver) return undefined;
    if (done) {
      this.#end([FRAME.end, this.#id]);
      return undefined;
    }
    if (value instanceof Uint8Array) return value;
    throw new TypeError(
      `Cannot send a chunk of type ${typeof value} to another process: only bytes can be sent`,
    );
  }

  #end(frame: readonly unknown[]): void {
    this.#isOver = true;
    this.#rest = undefined;
    this.#send(frame);
    this.#onOver();
  }
}

/** A stream that has failed already says so to whoever made it. */
function readerIsGone(): void {}
