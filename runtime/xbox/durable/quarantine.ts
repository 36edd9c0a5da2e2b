/**
 * Keeping messages apart whose boxes have ended. One of them may be what ended its box; those beside it were only near.
 * Handled together they would fall together time after time, until all were given up.
 *
 * @module
 */

import type { Due } from "./rows.ts";

/** So many that have fallen once are handled beside each other. */
const MOST_SUSPECTS = 8;

/** How many of the last attempts of a message ended with their box, if its row is due. */
export function crashesOf({ owner, crashes = 0 }: Due): number {
  return owner === undefined ? crashes : crashes + 1;
}

/** Says which messages may be handled beside those that are. */
export class Quarantine {
  #suspects = 0;
  #isAlone = false;

  /** Takes what is handled now. */
  constructor(running: readonly Due[]) {
    for (const { crashes = 0 } of running) {
      if (crashes > 0) this.#suspects++;
      if (crashes > 1) this.#isAlone = true;
    }
  }

  /** Says whether one that is due may be handled as well; if so it counts as one that is. */
  lets(due: Due): boolean {
    const crashes = crashesOf(due);
    if (crashes === 0) return true;
    if (this.#isAlone || this.#suspects >= (crashes > 1 ? 1 : MOST_SUSPECTS)) return false;
    this.#suspects++;
    this.#isAlone = crashes > 1;
    return true;
  }
}
