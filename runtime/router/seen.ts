/**
 * The memory for messages that were here already.
 *
 * @module
 */

import type { NodeIdentity } from "./address.ts";
import type { Envelope } from "./envelope.ts";

/** How many numbers behind the highest are told apart; what is older counts as seen. */
export const SEEN_WINDOW = 4096;

/** How many origins of one link are remembered; the one that was silent longest is forgotten first. */
const MOST_ORIGINS = 4096;

/** The numbers of one origin in one lane. */
interface Track {
  highest: number;
  bits: Uint32Array;
}

/**
 * Tells new messages of one link from those that came before.
 *
 * Urgent messages overtake others by more than any window holds, so each lane of an origin has its own numbers.
 */
export class Seen {
  /** By origin, the lane of urgent messages behind the other. */
  readonly #origins = new Map<string, [Track?, Track?]>();
  /** The one that was used last, which most messages need again. */
  #lastKey = "";
  #last: [Track?, Track?] = [];

  /** Whether a message of this node has come. */
  knows(src: NodeIdentity): boolean {
    const key = keyOf(src);
    return key === this.#lastKey || this.#origins.has(key);
  }

  /** Notes a message; `false` when it was noted before. */
  add({ src, seq, urgent }: Pick<Envelope, "src" | "seq" | "urgent">): boolean {
    const key = keyOf(src);
    if (key !== this.#lastKey) {
      this.#last = this.#find(key);
      this.#lastKey = key;
    }
    const lane = urgent ? 1 : 0;
    return note(this.#last[lane] ??= newTrack(), seq);
  }

  #find(key: string): [Track?, Track?] {
    const origin = this.#origins.get(key) ?? [];
    this.#origins.delete(key);
    this.#origins.set(key, origin);
    if (this.#origins.size > MOST_ORIGINS) {
      this.#origins.delete(this.#origins.keys().next().value!);
    }
    return origin;
  }
}

function keyOf({ pid, inc }: NodeIdentity): string {
  return `${inc}${pid}`;
}

function newTrack(): Track {
  return { highest: 0, bits: new Uint32Array(SEEN_WINDOW / 32) };
}

function note(track: Track, seq: number): boolean {
  const { bits } = track;
  if (seq > track.highest) {
    if (seq - track.highest >= SEEN_WINDOW) bits.fill(0);
    else for (let at = track.highest + 1; at < seq; at++) bits[slot(at)]! &= ~mask(at);
    track.highest = seq;
  } else if (seq <= track.highest - SEEN_WINDOW || (bits[slot(seq)]! & mask(seq)) !== 0) {
    return false;
  }
  bits[slot(seq)]! |= mask(seq);
  return true;
}

function slot(seq: number): number {
  return (seq % SEEN_WINDOW) >>> 5;
}

function mask(seq: number): number {
  return 1 << (seq % 32);
}
