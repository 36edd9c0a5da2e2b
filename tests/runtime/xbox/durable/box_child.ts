/**
 * A box as the crash tests need it: a queue on a store that another process serves, whose handler makes its effect in
 * that store. It works until it is killed. One line for each message that it has handled.
 *
 * @module
 */

import { POSTS_DEFAULTS } from "../../../../runtime/options/peers.ts";
import { engineOf, openStore } from "../../../../runtime/store/mod.ts";
import { PostQueue } from "../../../../runtime/xbox/durable/queue.ts";
import type { Log } from "../../../../runtime/types/log.ts";
import type { CrashMessage } from "./crash.ts";

const [url, socket, boxId] = Deno.args as [string, string, string];
const store = await openStore({ url, socket, near: false });
const nothing = () => {};
const log = {
  debug: nothing,
  info: nothing,
  warn: nothing,
  error: (text: string, fields: unknown) => console.error(text, Deno.inspect(fields)),
} as unknown as Log;

const queue = new PostQueue({
  engine: engineOf(store),
  options: { ...POSTS_DEFAULTS, leaseMs: 300, backOffMs: 5, attempts: 6, concurrency: 8 },
  boxId,
  log,
  deliver: async ({ message, key }) => {
    const { n, kind, line } = message as CrashMessage;
    if (kind === "poison") Deno.exit(9); // nothing is tidied up
    if (kind === "bad") throw new TypeError(`no ${n}`);
    if (line !== undefined) {
      const last = await store.get<number>(["line", line]) ?? -1;
      if (n !== last && n !== last + 1) await store.set(["broken", line, n], last);
      await store.set(["line", line], n);
    }
    // What follows is accepted by a box that may be killed at any moment.
    if (kind === "first") await queue.accept({ n, kind: "second" }, { key: `second-${n}` });
    const isFirst = await store.add(["effect", key!], boxId);
    if (!isFirst) await store.increment(["twice"]);
    console.log("handled");
  },
});
queue.start();
console.log("started");
