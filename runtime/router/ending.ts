/**
 * How a node ends: what it waits for, for how long, and with which code.
 *
 * @module
 */

import { checkFields, fail, given } from "../checks.ts";

/** What a node that was told to stop waits for before it closes its links. */
export interface ShutdownBehavior {
  /**
   * Whether it waits until its messages are acknowledged, up to the `drainMs` of the tree. Answers bit 1 of PHP's form.
   *
   * @default true
   */
  flushPending?: boolean;
  /**
   * Whether it waits until all its children have ended by themselves and their states were read. Answers bit 2. There is no limit
   * while a child lives.
   *
   * @default false
   */
  waitPeers?: boolean;
}

/** How one node ends. */
export class Ending {
  flushPending = true;
  waitPeers = false;
  ttl = 100;
  exitCode = 0;
  exitAfterShutdown: boolean;

  /** The process of a child ends with its node; that of a root only if it is told so. */
  constructor(exitAfterShutdown: boolean) {
    this.exitAfterShutdown = exitAfterShutdown;
  }

  /** Takes over a behaviour, whole. */
  setBehavior(behavior: ShutdownBehavior): void {
    checkFields("behavior", behavior, ["flushPending", "waitPeers"]);
    const { flushPending = true, waitPeers = false } = behavior;
    for (const [name, value] of Object.entries({ flushPending, waitPeers })) {
      if (typeof value !== "boolean") fail(name, "true or false", value);
    }
    this.flushPending = flushPending;
    this.waitPeers = waitPeers;
  }

  /** Sets how many turns it takes at most. */
  setTtl(turns: number): void {
    if (!Number.isSafeInteger(turns) || turns < 1) {
      throw new RangeError(
        `Cannot set the TTL: a whole number of turns from 1 is needed, and ${
          given(turns)
        } was given`,
      );
    }
    this.ttl = turns;
  }

  /** Sets the exit code. */
  setExitCode(code: number): void {
    if (!Number.isInteger(code) || code < 0 || code > 255) {
      throw new RangeError(
        `Cannot set the exit code: a whole number from 0 to 255 is needed, and ${
          given(code)
        } was given`,
      );
    }
    this.exitCode = code;
  }
}
