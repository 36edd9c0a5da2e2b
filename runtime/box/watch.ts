/**
 * Watches the load of a box, and lets its pools take less work while it is too much.
 *
 * @module
 */

import type { ResolvedPool } from "../options.ts";
import type { Log } from "../types/log.ts";
import { HealthMonitor } from "./health.ts";
import { lagLevel, queueFillLevel, queueWaitLevel } from "./health_metrics.ts";
import type { PoolName, Rooms } from "./rooms.ts";
import type { BoxState } from "./state.ts";

/** What the figures of a pool are held against. */
type Limits = Pick<ResolvedPool, "queueLimit" | "deadlineMs" | "maxQueueMs">;

/**
 * Starts the monitor of a box; it ends with `stop`. Messages run at every level, since what waits for
 * them holds more than they do.
 */
export function watchLoad(
  pools: Rooms["pools"],
  options: Readonly<Partial<Record<PoolName, Limits>>>,
  state: BoxState,
  log: Log,
): HealthMonitor {
  const monitor = new HealthMonitor({ log });
  monitor.add("lag of the event loop", () => lagLevel(monitor.lagMs));
  for (const [name, pool] of pools) {
    const { queueLimit, deadlineMs, maxQueueMs } = options[name]!;
    monitor.add(`wait for ${name}`, () => {
      return queueWaitLevel(pool.queueAgeMs, deadlineMs, maxQueueMs);
    });
    monitor.add(`queue of ${name}`, () => queueFillLevel(pool.queued, queueLimit));
  }
  monitor.onChange(({ level, previous, mayStart }) => {
    state.loadLevel = level;
    if (level !== previous) {
      const { healthLevel } = state;
      for (const pool of pools.values()) pool.tell("box", { healthLevel });
      log.info("The health of the box has changed", { level, previous });
    }
    for (const [name, pool] of pools) {
      if (name === "xbox") continue;
      pool.hold(mayStart !== Infinity);
      if (mayStart !== Infinity) pool.release(mayStart);
    }
  });
  return monitor;
}
