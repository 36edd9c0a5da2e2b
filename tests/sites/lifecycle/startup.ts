import type { StartupContext } from "../../../mod.ts";

/** Counts boots, and keeps what the thread of the box before this one wrote last. */
export default async function startup({ store }: StartupContext): Promise<void> {
  await store.add("boots", 0);
  await store.increment("boots");
  await store.set("before", await store.get("thread") ?? "nothing");
}
