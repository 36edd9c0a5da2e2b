import type { ThreadContext } from "../../../mod.ts";

/** Says in the store that it runs. */
export default async function thread(context: ThreadContext): Promise<void> {
  await context.store.set("thread", "runs");
  context.started();
  while (!await context.stopped(60_000));
}
