/**
 * The sending half of a link: lanes, window, and what was not acknowledged.
 *
 * @module
 */

import { type Envelope, sizeOf } from "./envelope.ts";
import { WINDOW } from "./frames.ts";
import { Queue } from "./queue.ts";
import { Turnstile } from "./turnstile.ts";

/** How sure it is that a lost message did nothing. */
export type Certainty = "maybe-processed" | "never-sent";

/** Bounds of what waits for one link: messages, and bytes. */
export interface QueueLimits {
  readonly frames: number;
  readonly bytes: number;
}

/** Holds what goes to one neighbour until that has finished with it. */
export class Outbox {
  readonly #limits: QueueLimits;
  readonly #transmit: (seq: number, envelope: Envelope) => void;
  readonly #urgent = new Queue<Envelope>();
  readonly #normal = new Queue<Envelope>();
  readonly #sent = new Queue<Envelope>();
  #queuedBytes = 0;
  #sentBytes = 0;
  #lastSeq = 0;
  #open = false;
  readonly #changes = new Turnstile();

  /** Starts closed: nothing is handed to `transmit` until {@linkcode open}. */
  constructor(limits: QueueLimits, transmit: (seq: number, envelope: Envelope) => void) {
    this.#limits = limits;
    this.#transmit = transmit;
  }

  /** How many wait, and how many of those handed over are not acknowledged. */
  get pending(): number {
    return this.queued + this.#sent.length;
  }

  /** How many wait to be handed over. */
  get queued(): number {
    return this.#urgent.length + this.#normal.length;
  }

  /** Whether no more should be added. */
  get full(): boolean {
    return this.queued >= this.#limits.frames || this.#queuedBytes >= this.#limits.bytes;
  }

  /** Whether even what may not wait is too much. */
  get overflowing(): boolean {
    return this.queued >= this.#limits.frames * 4 || this.#queuedBytes >= this.#limits.bytes * 4;
  }

  /** Begins to hand over. */
  open(): void {
    this.#open = true;
    this.#pump();
  }

  /** Adds a message, before all that are not urgent if it is. */
  push(envelope: Envelope): void {
    (envelope.urgent ? this.#urgent : this.#normal).push(envelope);
    this.#queuedBytes += sizeOf(envelope);
    this.#pump();
  }

  /** Notes that the neighbour has finished with all up to this number; `false` if it cannot have. */
  acknowledge(ack: number): boolean {
    if (ack > this.#lastSeq) return false;
    // A smaller one than before is an old frame's, and says nothing new.
    let done = ack - (this.#lastSeq - this.#sent.length);
    for (; done > 0; done--) this.#sentBytes -= sizeOf(this.#sent.shift()!);
    this.#pump();
    return true;
  }

  /** Waits until something changes: room, an acknowledgement, the end. */
  changed(): Promise<void> {
    return this.#changes.wait();
  }

  /** Ends it and returns what the neighbour has not acknowledged, in the order of sending. */
  close(): { envelope: Envelope; certainty: Certainty }[] {
    this.#open = false;
    const lost = [
      ...this.#sent.drain().map((envelope) => ({
        envelope,
        certainty: "maybe-processed" as const,
      })),
      ...[...this.#urgent.drain(), ...this.#normal.drain()].map((envelope) => ({
        envelope,
        certainty: "never-sent" as const,
      })),
    ];
    this.#queuedBytes = this.#sentBytes = 0;
    this.#changes.open();
    return lost;
  }

  /** Hands over no more. */
  pause(): void {
    this.#open = false;
    this.#changes.open();
  }

  #pump(): void {
    while (this.#open && this.queued > 0 && this.#sent.length < WINDOW.frames) {
      const lane = this.#urgent.length > 0 ? this.#urgent : this.#normal;
      const size = sizeOf(lane.peek()!);
      // What is larger than the window goes alone.
      if (this.#sent.length > 0 && this.#sentBytes + size > WINDOW.bytes) break;
      const envelope = lane.shift()!;
      this.#queuedBytes -= size;
      this.#sentBytes += size;
      this.#sent.push(envelope);
      this.#transmit(++this.#lastSeq, envelope);
    }
    this.#changes.open();
  }
}
