/**
 * A link: the channel between a parent and a child, whatever carries it.
 *
 * @module
 */

import type { WireFrame } from "./frames.ts";

/** How a child ended: by itself with an exit code, or by a signal of that number. */
export interface ExitStatus {
  /** Whether it ended by itself. */
  readonly type: "exited" | "signaled";
  /** The exit code, or the number of the signal. */
  readonly value: number;
}

/** What a link tells the node that uses it. */
export interface LinkEvents {
  /** The other end listens; called once, before anything else. */
  onOpen(): void;
  /** The other end sent something; it is not checked. */
  onFrame(value: unknown): void;
  /** Something failed at the other end or on the way; `onEnd` follows if that was its end. */
  onFault(error: unknown): void;
  /** The link has ended, and why is known as far as it ever will be; called once, and nothing after it. */
  onEnd(status: ExitStatus | null): void;
}

/**
 * A two-way ordered channel to one neighbour.
 *
 * A link delivers what was sent whole, in order and at most once, or ends. It does not check, number or repeat.
 */
export interface Link {
  /** Whether it reports by itself that the other end is gone; if not, silence is taken for the end. */
  readonly learnsEnd: boolean;
  /** Begins to listen; called once. */
  start(events: LinkEvents): void;
  /** Hands a frame to the channel. What is handed to an ended link vanishes. */
  send(frame: WireFrame): void;
  /**
   * Sends the child at the other end a signal of the system; `false` if it has ended.
   *
   * @throws {RangeError} if it takes no such signal
   * @throws {Deno.errors.NotCapable} without the permission to signal processes
   */
  signal(signo: number): boolean;
  /** Ends the link from this side at once; a child that belongs to it is ended too. `onEnd` is called if it was not yet. */
  end(status: ExitStatus | null): void;
}
