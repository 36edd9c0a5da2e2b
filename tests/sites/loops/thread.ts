/**
 * A service thread that does what the store tells it.
 *
 * @module
 */

import type { ThreadContext } from "../../../mod.ts";

export default async function thread(
  { store, xbox, pagelets, started, stopped, signal, threadId, log }: ThreadContext,
): Promise<void> {
  log.info("thread runs");
  while (!await store.has(["gate", "thread"])) await stopped(3);
  await store.set("thread", { id: threadId, early: await stopped(0), late: await stopped(1) });
  started();
  started();
  if (await store.has("end")) return;
  if (await store.has("fail")) throw new RangeError("failed later");
  if (xbox.enabled) await store.set("answer", await xbox.send({ do: "echo", value: "thread" }));
  if (pagelets.enabled) await store.set("part", await pagelets.start("/text?q=thread").text());
  do started(); while (!await stopped(2));
  log.info(`thread stopped ${signal.aborted} ${await stopped(0)} ${await stopped(60_000)}`);
}
