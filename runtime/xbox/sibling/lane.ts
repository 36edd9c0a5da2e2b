/**
 * What goes to one sibling: a bounded queue, frames made of it, and a window on the frames that the sibling has not read.
 *
 * The window keeps what is on the way small, so that the supervisor's link stays free for what it has to say itself; a sibling
 * that reads slowly fills this queue and nobody else's.
 *
 * @module
 */

import { Queue } from "../../router/queue.ts";
import { FRAME_BYTES, FRAME_RECORDS, packFrame, writePart } from "./frames.ts";
import { LARGEST_VALUE } from "./values.ts";

/** Something that waits to be sent. */
export interface Parcel {
  /** Bytes behind the words, if its value comes as such. */
  readonly body?: Uint8Array;
  /** What it takes in the queue, in bytes, about. */
  readonly size: number;
  /** Makes the words, once, when they are about to leave; `rest` is how many bytes of the body come with them. */
  words(rest: number): string;
  /** Whether it need not be sent any more. */
  isDead?(): boolean;
  /** Its first byte is about to leave. */
  leaves?(): void;
}

/** What a lane needs of whoever has it. */
export interface LaneHost {
  /** Bytes that may be on their way unread; a frame more than that at most. */
  window(): number;
  /** Hands a frame on; throws if it cannot be taken now. */
  send(frame: Uint8Array<ArrayBuffer>): void;
  /** There is something to send, and {@linkcode Lane.flush} is to be called before long. */
  stir(): void;
}

/** Things, and bytes, that may wait for one sibling. */
const MOST_QUEUED = 8192;
const MOST_QUEUED_BYTES = 128 * 2 ** 20;
/** Parts that the largest value has before its last bytes: the first is as small as the frame that it begins in leaves room for. */
const MOST_PARTS = LARGEST_VALUE / FRAME_BYTES + 1;
/** Bytes read after which the sibling is told, if nothing else is said. */
const TELL_EVERY = 128 * 1024;
/** When a frame that was not taken is offered again, in milliseconds. */
const AGAIN_MS = 5;

/** The way to one sibling, and what is known of the way back. */
export class Lane {
  readonly #host: LaneHost;
  readonly #queue = new Queue<Parcel>();
  #queuedBytes = 0;
  /** How much of the body of the first has left. */
  #offset = 0;
  #sent = 0;
  #confirmed = 0;
  #read = 0;
  #told = 0;
  /** Parts of a value that is not whole yet. */
  #parts: Uint8Array[] = [];
  #partBytes = 0;
  /** A frame that was not taken. */
  #refused: Uint8Array<ArrayBuffer> | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #closed = false;

  constructor(host: LaneHost) {
    this.#host = host;
  }

  /** How many wait. */
  get queued(): number {
    return this.#queue.length;
  }

  /** Whether there is nothing that has not left. */
  get isEmpty(): boolean {
    return this.#queue.length === 0 && this.#refused === undefined;
  }

  /** Bytes that are on their way, or were never read. */
  get unread(): number {
    return this.#sent - this.#confirmed;
  }

  /** Whether a value has come in parts of which the last is missing. */
  get hasParts(): boolean {
    return this.#partBytes > 0;
  }

  /** Whether no more of such a size should be added. */
  isFull(size: number): boolean {
    return this.#queue.length >= MOST_QUEUED || this.#queuedBytes + size > MOST_QUEUED_BYTES;
  }

  /** Adds something behind all others. */
  push(parcel: Parcel): void {
    if (this.#closed) return;
    this.#queue.push(parcel);
    this.#queuedBytes += parcel.size;
    this.#host.stir();
  }

  /** Sends what the window allows. */
  flush(): void {
    if (this.#closed || this.#timer !== undefined) return;
    while (this.#offer()) {
      const mayGo = this.unread < this.#host.window();
      const frame = mayGo ? this.#next() : undefined;
      if (frame !== undefined) this.#refused = frame;
      else if (this.#read - this.#told < TELL_EVERY) return;
      // What was read must be told even if nothing else may go, or two that wait for each other would do so for ever.
      else this.#refused = packFrame(this.#tell(), [], []);
      this.#sent += this.#refused.length;
    }
  }

  /** Notes a frame of the sibling, and how much it says it has read; `false` if it cannot have. */
  receive(length: number, read?: number): boolean {
    this.#read += length;
    if (this.#read - this.#told >= TELL_EVERY) this.#host.stir();
    if (read === undefined) return true;
    if (read > this.#sent) return false;
    // A smaller one than before says nothing new.
    if (read > this.#confirmed) {
      this.#confirmed = read;
      if (this.#queue.length > 0) this.#host.stir();
    }
    return true;
  }

  /** Keeps bytes of a value that is not whole yet; `false` if it is too large, or in more parts than it can have. */
  keepPart(bytes: Uint8Array): boolean {
    this.#partBytes += bytes.length;
    const fits = bytes.length > 0 && this.#partBytes <= LARGEST_VALUE &&
      this.#parts.length < MOST_PARTS;
    if (fits) {
      this.#parts.push(bytes.slice());
      return true;
    }
    this.#parts = [];
    this.#partBytes = 0;
    return false;
  }

  /** Makes a value whole with its last bytes; nothing if it is too large. */
  join(last: Uint8Array): Uint8Array | undefined {
    if (this.#partBytes === 0) return last;
    const whole = new Uint8Array(this.#partBytes + last.length);
    let at = 0;
    for (const part of [...this.#parts, last]) {
      whole.set(part, at);
      at += part.length;
    }
    this.#parts = [];
    this.#partBytes = 0;
    return whole.length > LARGEST_VALUE ? undefined : whole;
  }

  /** Sends no more. */
  close(): void {
    this.#closed = true;
    clearTimeout(this.#timer);
    this.#queue.drain();
  }

  /** Offers the frame that waits, if one does; `false` if it is not taken, and is offered again later. */
  #offer(): boolean {
    if (this.#refused === undefined) return true;
    try {
      this.#host.send(this.#refused);
    } catch {
      // The link to the supervisor is full: that is no fault, and what waits here is bounded.
      this.#timer = setTimeout(() => {
        this.#timer = undefined;
        this.flush();
      }, AGAIN_MS);
      Deno.unrefTimer(this.#timer);
      return false;
    }
    this.#refused = undefined;
    return true;
  }

  #tell(): number {
    return this.#told = this.#read;
  }

  /** Makes the next frame; nothing if nothing waits. */
  #next(): Uint8Array<ArrayBuffer> | undefined {
    const words: string[] = [];
    const bodies: Uint8Array[] = [];
    let bytes = 0;
    while (words.length < FRAME_RECORDS && bytes < FRAME_BYTES) {
      const parcel = this.#queue.peek();
      if (parcel === undefined) break;
      if (this.#offset === 0) {
        if (parcel.isDead?.()) {
          this.#drop();
          continue;
        }
        parcel.leaves?.();
      }
      const body = parcel.body?.subarray(this.#offset) ?? NOTHING;
      const room = FRAME_BYTES - bytes;
      const part = body.length > room ? body.subarray(0, room) : body;
      const text = part === body ? parcel.words(body.length) : writePart(part.length);
      words.push(text);
      if (part.length > 0) bodies.push(part);
      bytes += text.length + part.length;
      if (part === body) this.#drop();
      else this.#offset += part.length;
    }
    return words.length === 0 ? undefined : packFrame(this.#tell(), words, bodies);
  }

  #drop(): void {
    this.#queuedBytes -= this.#queue.shift()!.size;
    this.#offset = 0;
  }
}

const NOTHING = new Uint8Array(0);
