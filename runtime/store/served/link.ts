/**
 * Frames over a connection: those sent in one turn go out in one piece, those received come one by one.
 *
 * @module
 */

import { badFrame } from "./bytes.ts";
import { FIRST_FRAME_BYTES } from "./frames.ts";

/** A connection, of which a link needs no more than this. */
export interface Wire {
  /** Reads some bytes; `null` at the end. */
  read(into: Uint8Array): Promise<number | null>;
  /** Writes some of the bytes. */
  write(bytes: Uint8Array): Promise<number>;
  /** Ends it; calls that are under way settle. */
  close(): void;
}

/** Above this many unsent bytes the other side counts as slow. */
const FULL_BYTES = 1024 * 1024;
const BUFFER_BYTES = 64 * 1024;
const LENGTH_BYTES = 4;
const FLUSH_MS = 1_000;

/** Sends and receives frames until it ends. It holds the wire, and closes it. */
export class FrameLink {
  /** The most bytes of a frame that is received. */
  frameBytes = FIRST_FRAME_BYTES;
  readonly #wire: Wire;
  readonly #onDrained: () => void;
  #buffer = new Uint8Array(BUFFER_BYTES);
  #start = 0;
  #end = 0;
  #unsent: Uint8Array<ArrayBuffer>[] = [];
  #unsentBytes = 0;
  #writing: Promise<void> | undefined;
  #hasEnded = false;

  /** Works on `wire`; `onDrained` runs when it can take more after it was full, and at its end. */
  constructor(wire: Wire, onDrained: () => void = () => {}) {
    this.#wire = wire;
    this.#onDrained = onDrained;
  }

  /** Whether more waits to be sent than should. */
  get isFull(): boolean {
    return this.#unsentBytes > FULL_BYTES;
  }

  /** Whether it has ended. */
  get hasEnded(): boolean {
    return this.#hasEnded;
  }

  /** Sends a frame, soon; nothing when it has ended. */
  send(frame: Uint8Array<ArrayBuffer>): void {
    if (this.#hasEnded) return;
    this.#unsent.push(frame);
    this.#unsentBytes += frame.length;
    this.#writing ??= this.#write();
  }

  /** Resolves when all that was sent is with the system, or the link has ended. */
  async flushed(): Promise<void> {
    while (this.#writing !== undefined) await this.#writing;
  }

  /**
   * Receives the next frame without its length; it is good until the next call. `null` at the end.
   *
   * @throws {RuntimeError} `BAD_MESSAGE` when it is too long or cut off.
   */
  async next(): Promise<Uint8Array | null> {
    for (;;) {
      const held = this.#end - this.#start;
      if (held >= LENGTH_BYTES) {
        const length = this.#length();
        if (length > this.frameBytes) {
          throw badFrame(`it has ${length} bytes, at most ${this.frameBytes} are allowed`);
        }
        if (held >= LENGTH_BYTES + length) {
          const start = this.#start + LENGTH_BYTES;
          this.#start = start + length;
          return this.#buffer.subarray(start, this.#start);
        }
      }
      const count = await this.#read();
      if (count === null && held > 0 && !this.#hasEnded) throw badFrame("it is cut off");
      if (count === null) return null;
      this.#end += count;
    }
  }

  /** Sends what waits, for a second at most, and ends. */
  async finish(): Promise<void> {
    const timer = setTimeout(() => this.end(), FLUSH_MS);
    try {
      await this.flushed();
    } finally {
      clearTimeout(timer);
      this.end();
    }
  }

  /** Ends it at once. */
  end(): void {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    this.#unsent = [];
    this.#unsentBytes = 0;
    this.#wire.close();
    this.#onDrained();
  }

  async #write(): Promise<void> {
    await Promise.resolve(); // what is sent in this turn goes along
    try {
      while (this.#unsent.length > 0) {
        const bytes = joined(this.#unsent);
        this.#unsent = [];
        for (let sent = 0; sent < bytes.length;) {
          const count = await this.#wire.write(bytes.subarray(sent));
          sent += count;
          const wasFull = this.isFull;
          this.#unsentBytes = Math.max(0, this.#unsentBytes - count);
          if (wasFull && !this.isFull) this.#onDrained();
        }
      }
    } catch {
      this.end(); // reading tells the same
    } finally {
      this.#writing = undefined;
    }
  }

  async #read(): Promise<number | null> {
    this.#makeRoom();
    try {
      return await this.#wire.read(this.#buffer.subarray(this.#end));
    } catch {
      return null; // reset by the other side, or ended here
    }
  }

  /** The buffer grows with what has come, not with what a length announces. */
  #makeRoom(): void {
    const held = this.#buffer.subarray(this.#start, this.#end);
    if (held.length === 0 && this.#buffer.length > BUFFER_BYTES) {
      this.#buffer = new Uint8Array(BUFFER_BYTES);
    } else if (held.length === this.#buffer.length) {
      this.#buffer = new Uint8Array(2 * this.#buffer.length);
      this.#buffer.set(held);
    } else if (this.#end === this.#buffer.length || held.length === 0) {
      this.#buffer.set(held);
    } else {
      return;
    }
    this.#start = 0;
    this.#end = held.length;
  }

  #length(): number {
    const { buffer } = this.#buffer;
    return new DataView(buffer).getUint32(this.#start);
  }
}

function joined(frames: Uint8Array<ArrayBuffer>[]): Uint8Array<ArrayBuffer> {
  if (frames.length === 1) return frames[0]!;
  const bytes = new Uint8Array(frames.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const frame of frames) {
    bytes.set(frame, at);
    at += frame.length;
  }
  return bytes;
}
