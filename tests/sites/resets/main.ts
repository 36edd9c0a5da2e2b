/**
 * Sends requests at a steady rate through a pool whose workers are replaced after 50 of them, and prints
 * how long those took that a fresh worker ran first, beside the others.
 *
 * @module
 */

import { createSite, type Log, serve } from "../../../mod.ts";

/** What the program prints. Times are milliseconds. */
export interface Resets {
  /** Requests that were the first of their worker. */
  resets: number;
  /** Time that 99 in 100 did not exceed: of those requests, and of the others. */
  p99: [first: number, others: number];
  /** Time that half of them did not exceed. */
  p50: [first: number, others: number];
}

const EVERY_MS = 5;
const requests = Number(Deno.args[0]);
const silent: Log = { debug() {}, info() {}, warn() {}, error() {} };
const site = createSite({
  store: { url: ":memory:" },
  pagelets: {
    document: new URL("./pagelets.ts", import.meta.url),
    workers: 2,
    spares: 2,
    maxRequests: 50,
    queueLimit: 1000,
  },
});
site.app.get("/load", async (c) => {
  const { pagelets, store } = c.var;
  await store.set("names", Array.from({ length: 50 }, (_, n) => `name ${n}`));
  const first: number[] = [];
  const others: number[] = [];
  const ask = async () => {
    const begun = performance.now();
    const { served } = JSON.parse(await pagelets.start("/list").text());
    (served === 1 ? first : others).push(performance.now() - begun);
  };
  for (let turn = 0; turn < 200; turn++) await ask();
  first.length = others.length = 0;
  const begun = performance.now();
  const asked: Promise<void>[] = [];
  for (let turn = 0; turn < requests; turn++) {
    const wait = begun + turn * EVERY_MS - performance.now();
    if (wait > 0) await new Promise((resolve) => setTimeout(resolve, wait));
    asked.push(ask());
  }
  await Promise.all(asked);
  const at = (times: number[], share: number) => {
    const sorted = times.toSorted((a, b) => a - b);
    return Math.round(sorted[Math.floor(sorted.length * share)]! * 100) / 100;
  };
  return c.json(
    {
      resets: first.length,
      p99: [at(first, 0.99), at(others, 0.99)],
      p50: [at(first, 0.5), at(others, 0.5)],
    } satisfies Resets,
  );
});
const box = await serve(site, { port: 0, log: silent });
console.log(await (await fetch(`${box.url}load`)).text());
Deno.exit(0);
