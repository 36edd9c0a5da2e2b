/**
 * Sends so many requests through a pool of one session policy, and prints what the process holds after
 * the first half and after the second.
 *
 * @module
 */

import { createSite, type Log, serve, type SessionPolicy } from "../../../mod.ts";

/** What the program prints: bytes of the resident set. */
export interface Held {
  /** After the first half. */
  first: number;
  /** After the second half. */
  second: number;
}

const AT_ONCE = 16;
const [policy, requests] = [Deno.args[0] as SessionPolicy, Number(Deno.args[1])];
const silent: Log = { debug() {}, info() {}, warn() {}, error() {} };
const site = createSite({
  store: { url: ":memory:" },
  pagelets: {
    document: new URL("./pagelets.ts", import.meta.url),
    workers: 2,
    spares: 2,
    session: policy,
    // HHVM's default: what a session keeps by design goes with it.
    maxRequests: 500,
  },
});
site.app.get("/load", async (c) => {
  const { pagelets, store } = c.var;
  await store.set("names", Array.from({ length: 50 }, (_, n) => `name ${n}`));
  let next = 0;
  const drive = async (until: number) => {
    while (next < until) {
      next++;
      await pagelets.start("/list").text();
    }
  };
  const half = async (until: number) => {
    await Promise.all(Array.from({ length: AT_ONCE }, () => drive(until)));
    (globalThis as { gc?(): void }).gc?.();
    return Deno.memoryUsage().rss;
  };
  const first = await half(requests / 2);
  return c.json({ first, second: await half(requests) } satisfies Held);
});
const box = await serve(site, { port: 0, log: silent });
console.log(await (await fetch(`${box.url}load`)).text());
Deno.exit(0);
