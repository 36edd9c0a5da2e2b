/** @module */

import { resources, type ThreadContext } from "../../../mod.ts";
import { ids, keep, me, THREAD } from "./kit.ts";
import { isFrozenDeep } from "./work.ts";

export default async function thread(
  { store, globals, log, started, stopped, threadId }: ThreadContext,
): Promise<void> {
  keep(log);
  const { made } = resources.resource<{ made: number }>(THREAD);
  started();
  // Others may register more until then.
  do {
    await store.set("thread", {
      ...me,
      threadId,
      made,
      ids: ids(),
      globals: isFrozenDeep(globals.get("motd")),
    });
  } while (!await stopped(3));
}
