/**
 * The memory for messages that were here already.
 *
 * @module
 */

import type { Envelope } from "./envelope.ts";

/** How many numbers behind the highest are told apart; what is older counts as seen. */
export const SEEN_WINDOW = 4096;

/** How many origins are remembered; the one that was silent longest is forgotten first. */
const MOST_ORIGINS = 4096;

/** The numbers of one origin in one lane. */
interface Track {
  highest: number;
  bits: Uint32Array;
}

/**
 * Tells new messages from those that came before.
 *
 * Urgent messages overtake others by more than any window holds, so each lane of an origin has its own numbers.
 */
export class Seen {
  readonly #tracks = new Map<string, Track>();
  /** The one that was used last, which most messages need again. */
  #lastKey = "";
  #last: Track | undefined;

  /** Notes a message; `false` when it was noted before. */
  add({ src, seq, urgent }: Pick<Envelope, "src" | "seq" | "urgent">): boolean {
    const key = `${urgent ? "u" : "n"}${src.inc}${src.pid}`;
    if (this.#last === undefined || key !== this.#lastKey) {
      this.#last = this.#find(key);
      this.#lastKey = key;
    }
    return note(this.#last, seq);
  }

  #find(key: string): Track {
    const track = this.#tracks.get(key) ?? {
      highest: 0,
      bits: new Uint32Array(SEEN_WINDOW / 32),
    };
    this.#tracks.delete(key);
    this.#tracks.set(key, track);
    if (this.#tracks.size > MOST_ORIGINS) {
      this.#tracks.delete(this.#tracks.keys().next().value!);
    }
    return track;
  }
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
