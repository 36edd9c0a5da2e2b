/**
 * Messages with 64 in flight from a box under a supervisor: to itself, to its sibling, to a box that another program
 * runs, and a bare `fetch` to a Hono echo in yet another program.
 *
 * @module
 */

import { startMachine } from "../support/machine.ts";
import { type Program, startDeno, startServe } from "../support/program.ts";
import { atEnd } from "./peers/ending.ts";

const COUNT = 5000;
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

async function send(to: string): Promise<void> {
  const took = await machine.get(`send?count=${COUNT}&${to}`);
  if (!(Number(took) > 0)) throw new Error(took);
}

const group = `${COUNT} messages of 100 bytes, 64 in flight`;
const url = encodeURIComponent(`${await echo.url()}echo`);
Deno.bench("fetch, Hono echo", { group, baseline: true }, async () => await send(`fetch=${url}`));
Deno.bench("xbox.send, this box", { group }, async () => await send("to="));
Deno.bench("xbox.send, sibling", { group }, async () => await send(`to=${sibling}`));
Deno.bench("xbox.send, elsewhere", { group }, async () => await send(`to=${peer}`));
