/**
 * What a box knows about itself, for handlers and for those who watch it.
 *
 * @module
 */

import type { ServerInfo } from "../types/document.ts";
import type { Log } from "../types/log.ts";
import { HEALTH, type HealthLevel } from "./health_metrics.ts";

/** The state of one box. */
export class BoxState implements ServerInfo {
  /** When the box began to boot, in milliseconds since the epoch. */
  readonly startedAt = Date.now();
  /** Whether the box is about to stop. */
  isStopping = false;
  /** How well it bears its load. */
  loadLevel: HealthLevel = HEALTH.bold;
  readonly #log: Log;
  readonly #maxLeaked: number;
  #leaked = 0;

  /** Takes how many stuck workers the box bears. */
  constructor(log: Log, maxLeaked: number) {
    this.#log = log;
    this.#maxLeaked = maxLeaked;
  }

  /** Milliseconds since the box began to boot. */
  get uptimeMs(): number {
    return Date.now() - this.startedAt;
  }

  /** 100 while all is well, 0 when no new work should come. */
  get healthLevel(): number {
    return this.#leaked > this.#maxLeaked ? HEALTH.backOff : this.loadLevel;
  }

  /** Stuck workers that were given up. */
  get leaked(): number {
    return this.#leaked;
  }

  /** A worker was given up as stuck. */
  countLeak(): void {
    this.#leaked++;
    if (this.#leaked <= this.#maxLeaked) return;
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
