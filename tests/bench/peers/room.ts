/**
 * The Tandem side of the benchmarks: a box of documents that do nothing, and the rooms that one of
 * its pages finds in `c.var`. Everything is left as a user gets it, but for the number of workers.
 *
 * @module
 */

import { createSite, type Log, type RunningBox, serve, type Site, slots } from "../../../mod.ts";
import type { TandemVariables } from "../../../mod.ts";

/** Workers of each pool, and of each peer that has workers. */
export const WORKERS = 2;

/** A log that nobody reads. */
export const SILENT: Log = { debug() {}, info() {}, warn() {}, error() {} };

/** A served site, and a request of it that never ends. */
export interface Room {
  /** The box. */
  box: RunningBox;
  /** What the request found in `c.var`. */
  variables: TandemVariables;
}

/** The page that is measured, around its four pagelets. */
const LAYOUT = {
  before: "<!doctype html><title>Four</title><h1>Four pagelets</h1>",
  grid:
    '<slot name="a">…</slot><slot name="b">…</slot><slot name="c">…</slot><slot name="d">…</slot>',
  after: "<footer>That was it</footer>",
};

/** What the workers of a site run in. */
export type Isolation = "thread" | "process";

/** A site of documents that do nothing. */
export function emptySite(store: string, isolation: Isolation = "thread"): Site {
  const doc = (name: string) => new URL(name, import.meta.url);
  const pool = { workers: WORKERS, spares: WORKERS, isolation };
  const site = createSite({
    store: { url: store },
    pagelets: { ...pool, document: doc("./pagelets.ts") },
    xbox: { ...pool, document: doc("./xbox.ts") },
  });
  site.app.get("/plain", (c) => c.html("<p>hello</p>"));
  site.app.get("/page", (c) => {
    const start = () => c.var.pagelets.start("/empty");
    return slots(c, LAYOUT, { a: start(), b: start(), c: start(), d: start() });
  });
  return site;
}

/**
 * Serves an empty site and opens a request that lasts as long as the benchmarks. A box takes some turns
 * to stop, for which a file of benchmarks has no time: it ends with its isolate.
 */
export async function openRoom(store = ":memory:", isolation?: Isolation): Promise<Room> {
  const site = emptySite(store, isolation);
  const { promise, resolve } = Promise.withResolvers<TandemVariables>();
  site.app.get("/hold", (c) => {
    resolve(c.var);
    return new Promise<Response>(() => {});
  });
  const box = await serve(site, { port: 0, log: SILENT });
  fetch(`${box.url}hold`).catch(goneAtEnd);
  return { box, variables: await promise };
}

/**
 * Runs `call` as often as this, all at once. `Deno.bench` waits for `async` functions only, and takes
 * any other that returns a promise for done.
 */
export async function atOnce(times: number, call: () => Promise<unknown>): Promise<void> {
  await Promise.all(Array.from({ length: times }, call));
}

/** The request that was held is over when the benchmarks are. */
function goneAtEnd(): void {}
