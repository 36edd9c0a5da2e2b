/**
 * What the figures of a box say about its health: levels, and pure functions from figures to levels.
 *
 * Only lag may ask a box to back off. Backing off means that nothing leaves the queues, and a queue
 * that is long or old gets worse by that, so its metrics ask for no more work and go no lower.
 *
 * @module
 */

/** The levels and their numbers. */
export const HEALTH = Object.freeze({
  /** All is well. */
  bold: 100,
  /** Busier than usual. */
  moderate: 75,
  /** Close to its limits. */
  cautious: 50,
  /** New work should go elsewhere. */
  noMore: 25,
  /** Waiting work should not even start. */
  backOff: 0,
});

/** Name of a level. */
export type HealthName = keyof typeof HEALTH;

/** Number of a level: 100, 75, 50, 25 or 0. */
export type HealthLevel = typeof HEALTH[HealthName];

/** From which figure on each level holds. */
type Thresholds = readonly (readonly [from: number, name: HealthName])[];

const LAG_MS: Thresholds = [[1000, "backOff"], [500, "noMore"], [250, "cautious"], [
  100,
  "moderate",
]];
const WAIT_SHARE: Thresholds = [[0.9, "noMore"], [0.75, "cautious"], [0.5, "moderate"]];
const FILL_SHARE: Thresholds = [[0.9, "noMore"], [0.75, "cautious"], [0.5, "moderate"]];

/** How much of the average one sample makes. */
const LAG_WEIGHT = 0.35;
/** Longer lateness says no more: one sample moves the average by at most 490 ms, which is cautious. */
const LONGEST_LAG_MS = 1400;

/**
 * Adds one lateness of a timer to a moving average.
 *
 * One pause, however long, leaves a box cautious at worst, and two samples later less than half of
 * it counts. A loop that is 1.4 s late again and again is at `backOff` with the third sample.
 *
 * @param average The average so far, in milliseconds.
 * @param lateMs The new sample, in milliseconds.
 */
export function smoothLag(average: number, lateMs: number): number {
  return average + (Math.min(Math.max(0, lateMs), LONGEST_LAG_MS) - average) * LAG_WEIGHT;
}

/**
 * Judges how late the entry's event loop runs: from 100 ms `moderate`, 250 `cautious`, 500 `noMore`,
 * 1000 `backOff`.
 *
 * @param lagMs Smoothed lateness in milliseconds.
 */
export function lagLevel(lagMs: number): HealthName {
  return judge(lagMs, LAG_MS);
}

/**
 * Judges how long the oldest task has waited, as a share of the time that it has: from a half
 * `moderate`, three quarters `cautious`, nine tenths `noMore`.
 *
 * @param waitedMs How long it has waited, in milliseconds; 0 if nothing waits.
 * @param limitsMs Deadlines of the pool in milliseconds, of which the shortest counts; 0: no limit.
 */
export function queueWaitLevel(waitedMs: number, ...limitsMs: number[]): HealthName {
  return judge(waitedMs / Math.min(...limitsMs.map((limit) => limit || Infinity)), WAIT_SHARE);
}

/**
 * Judges how full a queue is: from a half `moderate`, three quarters `cautious`, nine tenths `noMore`.
 *
 * @param queued Tasks that wait.
 * @param limit Most tasks that may wait; where none may, the queue says nothing.
 */
export function queueFillLevel(queued: number, limit: number): HealthName {
  return judge(queued / (limit || Infinity), FILL_SHARE);
}

function judge(figure: number, thresholds: Thresholds): HealthName {
  return thresholds.find(([from]) => figure >= from)?.[1] ?? "bold";
}
