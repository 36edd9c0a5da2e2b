/**
 * Sends so many requests through a pool of workers that misbehave, and prints what came of them. It is a
 * program of its own, since stuck threads end only with their process.
 *
 * @module
 */

import { createSite, type Log, type PoolStatus, serve } from "../../../mod.ts";

/** What the program prints. */
export interface Report {
  /** Requests that were sent. */
  requests: number;
  /** Answers, by what was asked and the code that came. */
  codes: Record<string, Record<string, number>>;
  /** Milliseconds of the slowest answer after its deadline; below 0 when all came before it. */
  latestMs: number;
  /** Workers of the pool at its end, and before. */
  strength: [before: number, after: number];
  /** Workers that were counted as leaked. */
  leaked: number;
  /** Health before the busy loops, and after each. */
  health: number[];
  /** How long it took. */
  seconds: number;
}

const WORKERS = 4;
const AT_ONCE = 8;
const DEADLINE_MS = 400;
/** Each of them is one request in a hundred. */
const WRONGS = [
  "timer",
  "timer/later",
  "floating",
  "close",
  "exit",
  "twice",
  "unasked",
  "flood",
  "endless",
  "broken",
  "nothing",
  "throws",
  "deaf",
];

const requests = Number(Deno.args[0]);
const isolation = Deno.args[1] as "thread" | "process";
const silent: Log = { debug() {}, info() {}, warn() {}, error() {} };
const site = createSite({
  store: { url: ":memory:" },
  maxLeaked: 1,
  pagelets: {
    document: new URL("./pagelets.ts", import.meta.url),
    workers: WORKERS,
    spares: WORKERS,
    queueLimit: 1000,
    deadlineMs: DEADLINE_MS,
    graceMs: 50,
    isolation,
  },
});
site.app.get("/load", async (c) => {
  const { pagelets } = c.var;
  const codes: Report["codes"] = {};
  let latestMs = -Infinity;
  const ask = async (name: string) => {
    const begun = performance.now();
    const task = pagelets.start(`/${name}`);
    let answers = 0;
    let code = 0;
    for await (const part of task) {
      if (part.code === 0) continue;
      code = part.code;
      answers++;
    }
    if (answers !== 1) throw new Error(`${name} was answered ${answers} times`);
    latestMs = Math.max(latestMs, performance.now() - begun - DEADLINE_MS);
    const seen = codes[name] ??= {};
    seen[code] = (seen[code] ?? 0) + 1;
  };
  const health: number[] = [];
  let next = 0;
  const drive = async (until: number) => {
    while (next < until) {
      const turn = next++ % 100;
      await ask(WRONGS[turn / 7] ?? "well");
    }
  };
  const all = (until: number) => Promise.all(Array.from({ length: AT_ONCE }, () => drive(until)));
  const before = box.status().pools.pagelets!.workers;
  const started = performance.now();
  // The busy loops come late: each takes a core from all that follow.
  await all(requests * 0.9 - 2);
  health.push(box.status().healthLevel > 0 ? 1 : 0);
  for (const share of [0.95, 1]) {
    await Promise.all([ask("spin"), all(requests * share - (share === 1 ? 0 : 1))]);
    next++;
    const leaks = health.length;
    while (isolation === "thread" && box.status().leaked < leaks) {
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    health.push(box.status().healthLevel > 0 ? 1 : 0);
  }
  const lost = isolation === "thread" ? 2 : 0;
  const isWhole = ({ workers, leaked }: PoolStatus) => workers >= WORKERS && leaked >= lost;
  while (!isWhole(box.status().pools.pagelets!)) {
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  const { workers, leaked } = box.status().pools.pagelets!;
  const report: Report = {
    requests: next,
    codes,
    latestMs: Math.round(latestMs),
    strength: [before, workers],
    leaked,
    health,
    seconds: Math.round((performance.now() - started) / 1000),
  };
  return c.json(report);
});
const box = await serve(site, { port: 0, log: silent });
console.log(await (await fetch(`${box.url}load`)).text());
Deno.exit(0);
