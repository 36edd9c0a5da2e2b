import type { ThreadContext } from "../../../mod.ts";

/** Writes that it runs, and when it is told to stop, that it was told. */
export default async function thread(context: ThreadContext): Promise<void> {
  const { store, started, stopped } = context;
  await store.set("thread", "running");
  started();
  while (!await stopped(60_000));
  await store.set("thread", "told");
  await store.add("told", 0);
  await store.increment("told");
}
