/**
 * Messages with 64 in flight from a box under a supervisor: to itself, to its sibling, to a box that another program
 * runs, and a bare `fetch` to a Hono echo in yet another program. All are warm: engines compile for the first 20,000 or so.
 *
 * @module
 */

import { startMachine } from "../support/machine.ts";
import { type Program, startDeno, startServe } from "../support/program.ts";
import { atEnd } from "./peers/ending.ts";

const COUNT = 5000;
/** Rounds of as many before what is measured. */
const WARM_UP = 6;
const SITE = new URL("../sites/rates/site.ts", import.meta.url).href;
const UNSTABLE = ["--unstable-kv", "--unstable-worker-options"];

/** Lets a program run until the last benchmark is over. */
function kept(program: Program): Program {
  atEnd(() => program.kill("SIGKILL"));
  return program;
}

const echo = kept(
  startDeno([
    "run",
    "--allow-net=127.0.0.1",
    new URL("./peers/echo_server.ts", import.meta.url).pathname,
  ]),
);
const there = kept(startServe([SITE, "--port", "0"], { flags: UNSTABLE }));
const peer = new URL(await there.url()).host;
const machine = await startMachine({ site: `${SITE}?peer=${peer}` });
kept(machine.program);
const sibling = await machine.get("other");

async function send(way: string): Promise<void> {
  const took = await machine.get(`send?count=${COUNT}&${way}`);
  if (!(Number(took) > 0)) throw new Error(took);
}

const group = `${COUNT} messages of 100 bytes, 64 in flight`;
const ways = {
  "fetch, Hono echo": `fetch=${encodeURIComponent(`${await echo.url()}echo`)}`,
  "xbox.send, this box": "to=",
  "xbox.send, sibling": `to=${sibling}`,
  "xbox.send, elsewhere": `to=${peer}`,
};
for (let round = 0; round < WARM_UP; round++) {
  for (const way of Object.values(ways)) await send(way);
}
for (const [name, way] of Object.entries(ways)) {
  Deno.bench(name, { group, baseline: name.startsWith("fetch") }, async () => await send(way));
}
