import type { ThreadLoopContext } from "../../../mod.ts";

/** Notes that it runs and for how long: two at once would be seen in the store. */
export default async function beat({ store, iteration }: ThreadLoopContext) {
  const since = iteration === 1 ? Date.now() : (await store.get<{ since: number }>("beats"))!.since;
  await store.set("beats", { since, iteration, at: Date.now() });
}
