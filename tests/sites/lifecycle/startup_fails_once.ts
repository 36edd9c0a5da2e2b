import type { StartupContext } from "../../../mod.ts";

/** Fails in the first boot of a store. */
export default async function startup({ store }: StartupContext): Promise<void> {
  if (await store.increment("boots") === 1) throw new Error("not yet");
}
