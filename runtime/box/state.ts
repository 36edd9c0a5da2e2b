/**
 * What a box knows about itself, for handlers and for those who watch it.
 *
 * @module
 */

import type { ServerInfo } from "../types/document.ts";
import type { Log } from "../types/log.ts";

/** Workers that may be given up as stuck before the box says that it is unhealthy. */
const MAX_LEAKED = 2;

/** The state of one box. */
export class BoxState implements ServerInfo {
  /** When the box began to boot, in milliseconds since the epoch. */
  readonly startedAt = Date.now();
  /** Whether the box is about to stop. */
  isStopping = false;
  readonly #log: Log;
  #leaked = 0;

  constructor(log: Log) {
    this.#log = log;
  }

  /** Milliseconds since the box began to boot. */
  get uptimeMs(): number {
    return Date.now() - this.startedAt;
  }

  /** 100 while all is well, 0 when no new work should come. */
  get healthLevel(): number {
    return this.#leaked > MAX_LEAKED ? 0 : 100;
  }

  /** A worker was given up as stuck. */
  countLeak(): void {
    this.#leaked++;
    if (this.healthLevel > 0) return;
    this.#log.error("The box is unhealthy: stuck workers burn cores until the process ends", {
      leaked: this.#leaked,
    });
  }

  /** The state in a form that can be sent to workers. */
  snapshot(): { isStopping: boolean; healthLevel: number; startedAt: number } {
    const { isStopping, healthLevel, startedAt } = this;
    return { isStopping, healthLevel, startedAt };
  }
}
