/**
 * Connections of the store's protocol over the process tree: a box reaches the engine that its supervisor owns
 * without a socket, and so without a permission for one.
 *
 * @module
 */

import type { Wire } from "../store/served/link.ts";
import type { StoreMessage } from "./messages.ts";

/** Bytes in one message. */
const PIECE_BYTES = 256 * 1024;
/** Pieces that may be on their way unread. */
const WINDOW = 32;
/** Pieces after which the sender is told that they were read. */
const TELL_EVERY = 8;

/** One end of a connection. */
export class TreeWire implements Wire {
  readonly #id: number;
  readonly #send: (message: StoreMessage) => void;
  readonly #pieces: Uint8Array[] = [];
  #unread = 0;
  #onWay = 0;
  #ended = false;
  #wakeReader = () => {};
  #wakeWriter = () => {};

  /** Sends with `send`, which must not throw. */
  constructor(id: number, send: (message: StoreMessage) => void) {
    this.#id = id;
    this.#send = send;
  }

  /** Takes a message of the other end; says whether it keeps to the window. */
  receive(message: StoreMessage): boolean {
    if (this.#ended) return true;
    switch (message.type) {
      case "store":
        this.#pieces.push(message.bytes);
        this.#wakeReader();
        return this.#pieces.length <= WINDOW + TELL_EVERY && message.bytes.length <= PIECE_BYTES;
      case "store-read":
        if (message.count < 0 || message.count > this.#onWay) return false;
        this.#onWay -= message.count;
        this.#wakeWriter();
        return true;
      case "store-end":
        this.end();
        return true;
    }
  }

  async read(into: Uint8Array): Promise<number | null> {
    while (this.#pieces.length === 0) {
      if (this.#ended) return null;
      await new Promise<void>((resolve) => this.#wakeReader = resolve);
    }
    const piece = this.#pieces[0]!;
    const part = piece.subarray(0, into.length);
    into.set(part);
    if (part.length < piece.length) {
      this.#pieces[0] = piece.subarray(part.length);
      return part.length;
    }
    this.#pieces.shift();
    if (++this.#unread >= TELL_EVERY && !this.#ended) {
      this.#send({ type: "store-read", wire: this.#id, count: this.#unread });
      this.#unread = 0;
    }
    return part.length;
  }

  async write(bytes: Uint8Array): Promise<number> {
    while (this.#onWay >= WINDOW && !this.#ended) {
      await new Promise<void>((resolve) => this.#wakeWriter = resolve);
    }
    if (this.#ended) throw new Deno.errors.BrokenPipe("The other side is gone");
    const piece = bytes.slice(0, PIECE_BYTES);
    this.#onWay++;
    this.#send({ type: "store", wire: this.#id, bytes: piece });
    return piece.length;
  }

  close(): void {
    if (this.#ended) return;
    this.#send({ type: "store-end", wire: this.#id });
    this.end();
  }

  /** The other end is gone. What it sent can still be read. */
  end(): void {
    this.#ended = true;
    this.#wakeReader();
    this.#wakeWriter();
  }
}
