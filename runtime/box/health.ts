/**
 * How well a box does: the worst of what its metrics say, looked at in a fixed rhythm.
 *
 * The level falls at once and rises step by step, so that a box which has just recovered is not
 * overrun. The monitor sheds no load itself: it tells its listeners the level, and how much of what
 * waits may start.
 *
 * @module
 */

import { messageOf } from "../errors.ts";
import type { Log } from "../types/log.ts";
import { HEALTH, type HealthLevel, type HealthName, smoothLag } from "./health_metrics.ts";

/** How a {@linkcode HealthMonitor} behaves. Durations are milliseconds. */
export interface HealthOptions {
  /** Hears about metrics and listeners that fail. */
  log: Log;
  /** Time between two looks at the metrics, at least 10 and at most 10000. @default {100} */
  updateMs?: number;
  /** How long each level is held before the next better one; `backOff` is not held. @default {0} */
  dampenMs?: number;
  /** The clock. @default {realClock} */
  clock?: HealthClock;
}

/** What a monitor needs of time. */
export interface HealthClock {
  /** Milliseconds on a clock that does not go back. */
  now(): number;
  /** Calls `run` again and again, without keeping the process alive; the result ends that. */
  every(ms: number, run: () => void): () => void;
}

/** What listeners are told. */
export interface HealthNotice {
  /** The level from now on. */
  readonly level: HealthLevel;
  /** The level before; the same during a recovery. */
  readonly previous: HealthLevel;
  /**
   * How many waiting tasks may start on this notice: 0 at `backOff`, a few while the box recovers
   * from it, else any number.
   */
  readonly mayStart: number;
}

interface Metric {
  readonly name: string;
  readonly read: () => HealthName | HealthLevel;
  failed: boolean;
}

/** From the worst to the best. */
const LEVELS = [HEALTH.backOff, HEALTH.noMore, HEALTH.cautious, HEALTH.moderate, HEALTH.bold];
/** Waiting tasks that may start on each notice while a box recovers. */
const START_PER_NOTICE = 3;

/** The clock of this process. */
export const realClock: HealthClock = Object.freeze({
  now: () => performance.now(),
  every(ms: number, run: () => void) {
    const timer = setInterval(run, ms);
    Deno.unrefTimer(timer);
    return () => clearInterval(timer);
  },
});

/** Watches the health of a box from construction until it is stopped. */
export class HealthMonitor {
  readonly #log: Log;
  readonly #clock: HealthClock;
  readonly #updateMs: number;
  readonly #dampenMs: number;
  readonly #metrics = new Set<Metric>();
  readonly #listeners = new Set<(notice: HealthNotice) => void>();
  readonly #stopTimer: () => void;
  #level: HealthLevel = HEALTH.bold;
  /** Since when the level is what it is. */
  #since: number;
  /** When the metrics were looked at last. */
  #looked: number;
  #lagMs = 0;
  #recovering = false;
  #stopped = false;

  constructor({ log, updateMs = 100, dampenMs = 0, clock = realClock }: HealthOptions) {
    if (Number.isNaN(updateMs) || !(dampenMs >= 0)) {
      throw new RangeError(
        `Cannot watch health: updateMs and dampenMs must be numbers of milliseconds, are ${updateMs} and ${dampenMs}`,
      );
    }
    this.#log = log;
    this.#clock = clock;
    this.#updateMs = Math.min(10_000, Math.max(10, updateMs));
    this.#dampenMs = dampenMs;
    this.#since = this.#looked = clock.now();
    this.#stopTimer = clock.every(this.#updateMs, () => this.#update());
  }

  /** The level, 100 down to 0; 100 once the monitor is stopped. */
  get level(): HealthLevel {
    return this.#level;
  }

  /** Whether the box has left `backOff` and waiting tasks start a few at a time. */
  get recovering(): boolean {
    return this.#recovering;
  }

  /** How late the monitor's own timer is, and with it the event loop, in milliseconds; smoothed. */
  get lagMs(): number {
    return this.#lagMs;
  }

  /**
   * Adds a metric, which is read at every look and should take no time. One that throws, or answers
   * something else than a level, counts as `bold`, and the log hears of it once.
   *
   * @param name Name for the log.
   * @returns What removes the metric.
   */
  add(name: string, read: () => HealthName | HealthLevel): () => void {
    const metric: Metric = { name, read, failed: false };
    this.#metrics.add(metric);
    return () => void this.#metrics.delete(metric);
  }

  /**
   * Tells `listener` whenever the level changes, and at every look while the box recovers from
   * `backOff`, up to the one at which the level has caught up with the metrics.
   *
   * @returns What removes the listener.
   */
  onChange(listener: (notice: HealthNotice) => void): () => void {
    // Each registration is its own, also of a function that listens already.
    const own = (notice: HealthNotice) => listener(notice);
    this.#listeners.add(own);
    return () => void this.#listeners.delete(own);
  }

  /** Releases the timer; the level is 100 from now on, and whatever waited may start. */
  stop(): void {
    if (this.#stopped) return;
    this.#stopped = true;
    this.#stopTimer();
    const held = this.#recovering;
    this.#recovering = false;
    if (held || this.#level !== HEALTH.bold) this.#enter(HEALTH.bold);
    this.#metrics.clear();
    this.#listeners.clear();
  }

  #update(): void {
    if (this.#stopped) return;
    const now = this.#clock.now();
    this.#lagMs = smoothLag(this.#lagMs, now - this.#looked - this.#updateMs);
    this.#looked = now;
    const target = this.#worst();
    // A metric may have stopped the monitor.
    if (this.#stopped) return;
    const level = this.#level;
    if (target < level) {
      if (target === HEALTH.backOff) this.#recovering = false;
      this.#enter(target);
    } else if (target > level) {
      if (level === HEALTH.backOff) this.#recovering = true;
      const held = level !== HEALTH.backOff && now - this.#since < this.#dampenMs;
      if (!held) this.#enter(LEVELS[LEVELS.indexOf(level) + 1]!);
      else if (this.#recovering) this.#tell(level);
    } else if (this.#recovering) {
      this.#recovering = false;
      this.#tell(level);
    }
  }

  #worst(): HealthLevel {
    let worst: HealthLevel = HEALTH.bold;
    for (const metric of this.#metrics) {
      const level = this.#read(metric);
      if (level < worst) worst = level;
    }
    return worst;
  }

  #read(metric: Metric): HealthLevel {
    try {
      const read = metric.read();
      const level = typeof read === "number" ? read : HEALTH[read];
      if (LEVELS.includes(level)) return level;
      throw new TypeError(`a metric answers a level, not ${String(read)}`);
    } catch (error) {
      if (!metric.failed) {
        this.#log.warn(`The health metric ${metric.name} failed and counts as bold`, {
          why: messageOf(error),
        });
      }
      metric.failed = true;
      return HEALTH.bold;
    }
  }

  #enter(level: HealthLevel): void {
    const previous = this.#level;
    this.#level = level;
    this.#since = this.#clock.now();
    this.#tell(previous);
  }

  #tell(previous: HealthLevel): void {
    const level = this.#level;
    const mayStart = level === HEALTH.backOff ? 0 : this.#recovering ? START_PER_NOTICE : Infinity;
    const notice: HealthNotice = Object.freeze({ level, previous, mayStart });
    for (const listener of this.#listeners) {
      try {
        listener(notice);
      } catch (error) {
        this.#log.error("A listener of the box's health failed", { why: messageOf(error) });
      }
    }
  }
}
