import type { StartupContext } from "../../../mod.ts";

/** Fails in the first boot of a store. */
export default async function startup({ store }: StartupContext): Promise<void> {
  await store.add("boots", 0);
  if (await store.increment("boots") === 1) throw new Error("not yet");
}
