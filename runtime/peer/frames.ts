/**
 * The form of an answer that comes value by value.
 *
 * It comes in frames: the length of a frame in four bytes, a signature of 32, and then its values, each with its length in four
 * bytes before it. What is sent in one turn shares a frame, as far as it is small, and so a signature; that binds it to the
 * request and to its place. A frame without bytes is the end, and its signature says how many came before, so that an answer that
 * was cut short is known as such.
 *
 * @module
 */

import type { PeerAddress } from "./address.ts";
import { endText, frameText } from "./credential.ts";
import { badAnswer } from "./failures.ts";
import { digestOf, type MacKey } from "./mac.ts";

const LENGTH_BYTES = 4;
const MAC_BYTES = 32;
const HEAD_BYTES = LENGTH_BYTES + MAC_BYTES;
/** Bytes that the values of one frame have together at most, unless there is only one. */
const SHARED_BYTES = 65_536;

/** How much may come. */
export interface FrameLimits {
  /** Values at most. */
  mostValues: number;
  /** Bytes of one value at most. */
  maxValueBytes: number;
}

/** Makes frames of values. */
export class FrameWriter {
  readonly #key: MacKey;
  readonly #request: string;
  #count = 0;

  /** Takes what signs, and the signature of the request. */
  constructor(key: MacKey, request: string) {
    this.#key = key;
    this.#request = request;
  }

  /** Makes one piece of the next values, none of which is empty, and of the end if there are no more. */
  pack(values: readonly Uint8Array[], isEnd: boolean): Uint8Array<ArrayBuffer> {
    const ends = endsOfFrames(values);
    const heads = ends.length + (isEnd ? 1 : 0);
    const piece = new Uint8Array(
      values.reduce((sum, { length }) => sum + LENGTH_BYTES + length, heads * HEAD_BYTES),
    );
    const view = new DataView(piece.buffer);
    let at = 0;
    let next = 0;
    for (const end of ends) {
      const head = at;
      at += HEAD_BYTES;
      for (; next < end; next++) {
        const bytes = values[next]!;
        view.setUint32(at, bytes.length);
        piece.set(bytes, at + LENGTH_BYTES);
        at += LENGTH_BYTES + bytes.length;
      }
      const frame = piece.subarray(head, at);
      view.setUint32(head, frame.length - HEAD_BYTES);
      this.#sign(frame, frameText(this.#request, this.#count++, contentDigest(frame)));
    }
    if (isEnd) this.#sign(piece.subarray(at), endText(this.#request, this.#count));
    return piece;
  }

  #sign(frame: Uint8Array, text: string): void {
    frame.subarray(LENGTH_BYTES, HEAD_BYTES).setFromHex(this.#key.sign(text));
  }
}

/** Where each frame ends, counted in values. */
function endsOfFrames(values: readonly Uint8Array[]): number[] {
  const ends: number[] = [];
  let bytes = 0;
  for (const [index, { length }] of values.entries()) {
    if (bytes > 0 && bytes + LENGTH_BYTES + length > SHARED_BYTES) {
      ends.push(index);
      bytes = 0;
    }
    bytes += LENGTH_BYTES + length;
  }
  if (bytes > 0) ends.push(values.length);
  return ends;
}

function contentDigest(frame: Uint8Array): string {
  return digestOf(frame.subarray(HEAD_BYTES));
}

/** Takes frames apart, in whatever pieces they come. */
export class FrameReader {
  readonly #address: PeerAddress;
  readonly #key: MacKey;
  readonly #request: string;
  readonly #limits: FrameLimits;
  /** Bytes of one frame at most. */
  readonly #mostBytes: number;
  #chunks: Uint8Array[] = [];
  /** Bytes in the chunks. */
  #length = 0;
  /** Bytes with which it can go on. */
  #needed = HEAD_BYTES;
  /** Frames, and values, that have come. */
  #frames = 0;
  #count = 0;
  #hasEnded = false;

  /** Takes what signed the request, and the signature it made. */
  constructor(
    address: PeerAddress,
    { key, signature }: { readonly key: MacKey; readonly signature: string },
    limits: FrameLimits,
  ) {
    this.#address = address;
    this.#key = key;
    this.#request = signature;
    this.#limits = limits;
    this.#mostBytes = Math.max(SHARED_BYTES, LENGTH_BYTES + limits.maxValueBytes);
  }

  /** Whether the end was there. */
  get hasEnded(): boolean {
    return this.#hasEnded;
  }

  /**
   * Takes a piece, and gives the bytes of each value whose frame is whole now, once its signature was found good.
   *
   * @throws {PeerError} `PEER_BAD_ANSWER` if something is wrong.
   */
  *read(chunk: Uint8Array): Generator<Uint8Array> {
    this.#chunks.push(chunk);
    this.#length += chunk.length;
    while (true) {
      if (this.#hasEnded && this.#length > 0) {
        throw this.#wrong("something comes after its end");
      }
      if (this.#length < this.#needed) return;
      const bytes = this.#join();
      const length = readLength(bytes, 0);
      if (length > this.#mostBytes) throw this.#tooLarge();
      this.#needed = HEAD_BYTES + length;
      if (this.#length < this.#needed) return;
      const frame = bytes.subarray(0, this.#needed);
      this.#drop(bytes, this.#needed);
      this.#check(frame);
      if (length === 0) this.#hasEnded = true;
      else yield* this.#values(frame);
    }
  }

  #check(frame: Uint8Array): void {
    const isEnd = frame.length === HEAD_BYTES;
    const text = isEnd
      ? endText(this.#request, this.#frames)
      : frameText(this.#request, this.#frames, contentDigest(frame));
    const mac = frame.subarray(LENGTH_BYTES, HEAD_BYTES).toHex();
    if (!this.#key.accepts(text, mac)) {
      throw this.#wrong(
        `its ${
          isEnd ? "end" : `frame ${this.#frames + 1}`
        } is not signed with the secret of the call, or was changed`,
      );
    }
    this.#frames++;
  }

  *#values(frame: Uint8Array): Generator<Uint8Array> {
    const { mostValues, maxValueBytes } = this.#limits;
    let at = HEAD_BYTES;
    while (at < frame.length) {
      const start = at + LENGTH_BYTES;
      const length = start > frame.length ? 0 : readLength(frame, at);
      at = start + length;
      if (length === 0 || at > frame.length) throw this.#wrong("a frame of it is damaged");
      if (length > maxValueBytes) throw this.#tooLarge();
      if (this.#count++ === mostValues) {
        throw this.#wrong(`it has more than the ${mostValues} values that were asked for`);
      }
      yield frame.subarray(start, at);
    }
  }

  #tooLarge(): Error {
    const { maxValueBytes } = this.#limits;
    return this.#wrong(`it has a value of more than the ${maxValueBytes} bytes that are allowed`);
  }

  #wrong(why: string): Error {
    return badAnswer(this.#address, why);
  }

  #join(): Uint8Array {
    if (this.#chunks.length > 1) {
      const bytes = new Uint8Array(this.#length);
      let at = 0;
      for (const chunk of this.#chunks) {
        bytes.set(chunk, at);
        at += chunk.length;
      }
      this.#chunks = [bytes];
    }
    return this.#chunks[0]!;
  }

  #drop(bytes: Uint8Array, count: number): void {
    const rest = bytes.subarray(count);
    this.#chunks = rest.length === 0 ? [] : [rest];
    this.#length = rest.length;
    this.#needed = HEAD_BYTES;
  }
}

function readLength({ buffer, byteOffset }: Uint8Array, at: number): number {
  return new DataView(buffer, byteOffset).getUint32(at);
}
