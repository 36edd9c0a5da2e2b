/**
 * A loop that counts its iterations in the store and in its module.
 *
 * @module
 */

import type { ThreadLoopContext } from "../../../mod.ts";

let inModule = 0;

export default async function loop(
  { store, iteration, stopped, log }: ThreadLoopContext,
): Promise<void> {
  inModule++;
  await store.set(["iteration", iteration], inModule);
  if (await store.has("crash") && iteration === 2) self.close();
  if (await store.has("fail")) throw new RangeError(`iteration ${iteration} failed`);
  if (await store.has("wait")) {
    log.info("waits");
    log.info(`was told: ${await stopped(60_000)}`);
  }
}
