/**
 * Small notes among the boxes of one machine: to all, without an answer, and dropped where there is no room for them.
 *
 * @module
 */

import { LONGEST_NAME, writeNote } from "./frames.ts";
import type { Lane } from "./lane.ts";
import { bodyOf, type Encoded, encodeValue, sizeOf } from "./values.ts";

/** The largest note, in bytes once encoded. */
const LARGEST_NOTE = 64 * 1024;
/** Notes that may wait for one sibling. */
const MOST_WAITING = 64;

/** A note, encoded once for all. */
export interface Note {
  readonly topic: string;
  readonly value: Encoded | undefined;
}

type Listener = (payload: unknown, from: string) => void;

/** The notes of one box. */
export class Notes {
  readonly #listeners = new Map<string, Set<Listener>>();
  readonly #waiting = new WeakMap<Lane, number>();

  /**
   * Encodes a note.
   *
   * @throws {DOMException} `DataCloneError` if it cannot leave its process.
   * @throws {RangeError} If it is too large, or its topic too long.
   */
  encode(topic: string, payload: unknown): Note {
    if (topic.length > LONGEST_NAME) {
      throw new RangeError(
        `Cannot tell siblings: a topic has at most ${LONGEST_NAME} characters, and not ${topic.length}`,
      );
    }
    const value = encodeValue(payload, `tell siblings of ${JSON.stringify(topic)}`);
    if (sizeOf(value) <= LARGEST_NOTE) return { topic, value };
    throw new RangeError(
      `Cannot tell siblings of ${JSON.stringify(topic)}: it takes ${sizeOf(value)} bytes, and at ` +
        `most ${LARGEST_NOTE} are allowed`,
    );
  }

  /** Sends a note on its way, unless too many wait. */
  push(lane: Lane, { topic, value }: Note): void {
    const waiting = this.#waiting.get(lane) ?? 0;
    const size = sizeOf(value);
    if (waiting >= MOST_WAITING || lane.isFull(size)) return;
    this.#waiting.set(lane, waiting + 1);
    lane.push({
      body: bodyOf(value),
      size,
      words: (rest) => writeNote(topic, value, rest),
      leaves: () => void this.#waiting.set(lane, this.#waiting.get(lane)! - 1),
    });
  }

  /** Adds a listener; the function that is returned removes it. */
  listen(topic: string, listener: Listener): () => void {
    const all = this.#listeners.get(topic) ?? new Set();
    this.#listeners.set(topic, all);
    all.add(listener);
    return () => {
      all.delete(listener);
      if (all.size === 0) this.#listeners.delete(topic);
    };
  }

  /** Tells the listeners what has come. */
  tell(topic: string, payload: unknown, from: string): void {
    for (const listener of this.#listeners.get(topic) ?? []) listener(payload, from);
  }

  /** Forgets the listeners. */
  close(): void {
    this.#listeners.clear();
  }
}
