/**
 * Several boxes under steady load for a minute each, while they are replaced, killed, and brought down by what
 * their workers do.
 *
 * @module
 */

import assert from "node:assert/strict";
import { load, type LoadResult } from "../support/load.ts";
import {
  killProcess,
  type Machine,
  MACHINE_SITE,
  startMachine,
  SUPERVISOR_FLAGS,
} from "../support/machine.ts";

const isShort = Deno.env.get("TANDEM_SOAK") === "short";
const SECONDS = isShort ? 10 : 60;
const CONNECTIONS = 8;
/** How often something is done to the boxes, in milliseconds. */
const EVERY_MS = 5000;
/** A client may hear of the death of its box so much later, on two cores that are busy. */
const ECHO_MS = 500;
/** Service must be whole again so soon after a death. */
const WHOLE_MS = 2000;

/** What was seen of the machine from outside. */
interface Watched {
  result: LoadResult;
  /** When a box was lost, on the clock of `performance.now()`. */
  deaths: number[];
  /** How long fewer boxes served than should, each time. */
  gapsMs: number[];
}

/** Loads the machine, does something to it now and then, and watches. */
async function watch(
  machine: Machine,
  act: (turn: number) => Promise<unknown>,
  path = "",
): Promise<Watched> {
  const abort = new AbortController();
  const { signal } = abort;
  const loaded = load(machine.url + path, { connections: CONNECTIONS, signal });
  const gapsMs: number[] = [];
  const watching = (async () => {
    let since: number | undefined;
    while (!signal.aborted || since !== undefined) {
      const { serving, wanted } = await machine.status();
      if (serving < wanted) since ??= performance.now();
      else if (since !== undefined) {
        gapsMs.push(performance.now() - since);
        since = undefined;
      }
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  })();
  const end = performance.now() + SECONDS * 1000;
  for (let turn = 0; performance.now() < end; turn++) {
    const next = performance.now() + EVERY_MS;
    await act(turn);
    await new Promise((resolve) => setTimeout(resolve, Math.max(0, next - performance.now())));
  }
  abort.abort();
  const result = await loaded;
  await watching;
  const now = performance.now() - Date.now();
  const deaths = [...machine.program.stderr.text.matchAll(/^(\S+) ERROR A box was lost/gm)]
    .map(([, at]) => now + Date.parse(at!));
  return { result, deaths, gapsMs };
}

function tell(name: string, { result, deaths, gapsMs }: Watched): void {
  console.log(JSON.stringify({
    ...{ name, seconds: SECONDS, ok: result.ok, failed: result.failed, refused: result.refused },
    deaths: deaths.length,
    longestGapMs: Math.round(Math.max(0, ...gapsMs)),
  }));
}

/** Whoever failed did so because its box died. */
function assertOnlyDeaths({ result, deaths }: Watched): void {
  assert.equal(result.refused, 0);
  // Who comes back at once may meet the port of the dying box again, and fails a second time on a new connection.
  const inFlight = result.failures.filter(({ isFirst }) => !isFirst);
  assert.ok(inFlight.length <= deaths.length * CONNECTIONS, `${inFlight.length} failed in flight`);
  for (const { at } of result.failures) {
    const near = deaths.some((death) => Math.abs(death - at) < ECHO_MS);
    assert.ok(near, `A request failed while no box died: ${JSON.stringify(result.failed)}`);
  }
}

Deno.test("boxes are replaced three times over without a failed request", async () => {
  await using machine = await startMachine();
  const watched = await watch(machine, async (turn) => {
    if (turn % Math.ceil(SECONDS * 1000 / EVERY_MS / 3) !== 0) return;
    assert.equal((await machine.command("reload")).status, 200);
  });
  tell("replaced", watched);
  assert.deepEqual([watched.result.failed, watched.result.refused], [{}, 0]);
  assert.deepEqual(watched.gapsMs, []);
});

Deno.test("a box that is killed costs the requests that it had", async () => {
  await using machine = await startMachine();
  const watched = await watch(machine, async () => {
    const { boxes } = await machine.status();
    killProcess(boxes[Math.floor(Math.random() * boxes.length)]!.pid);
  });
  tell("killed", watched);
  assert.ok(watched.deaths.length >= 2);
  assertOnlyDeaths(watched);
  for (const gap of watched.gapsMs) assert.ok(gap < WHOLE_MS, `${gap} ms until it was whole`);
});

/** One request that never ends, and one that takes all memory. */
async function misbehave(machine: Machine): Promise<void> {
  for (const path of ["bad/spin", "bad/bomb"]) {
    // What becomes of it is not what is looked at.
    fetch(machine.url + path).then((response) => response.body?.cancel(), () => {});
  }
  await Promise.resolve();
}

Deno.test("what exhausts the heap of a thread costs its box, for two seconds", async () => {
  await using machine = await startMachine({ boxFlags: ["--v8-flags=--max-old-space-size=200"] });
  const watched = await watch(machine, () => misbehave(machine));
  tell("threads", watched);
  assert.ok(watched.deaths.length >= 1);
  assertOnlyDeaths(watched);
  for (const gap of watched.gapsMs) assert.ok(gap < WHOLE_MS, `${gap} ms until it was whole`);
});

Deno.test("what exhausts the heap of a process costs nobody else anything", async () => {
  const variables = SUPERVISOR_FLAGS.filter((flag) => flag.startsWith("--allow-env"));
  await using machine = await startMachine({
    site: `${MACHINE_SITE}?isolation=process`,
    boxFlags: ["--allow-run=deno", ...variables],
  });
  const watched = await watch(machine, () => misbehave(machine));
  tell("processes", watched);
  assert.deepEqual([watched.result.failed, watched.result.refused], [{}, 0]);
  assert.deepEqual([watched.deaths.length, watched.gapsMs], [0, []]);
});

/** Requests for a page that computes for 5 ms in the entry, answered in a second by so many boxes. */
async function rate(boxes: number): Promise<number> {
  await using machine = await startMachine({ boxes });
  const abort = new AbortController();
  const loaded = load(`${machine.url}compute`, { connections: 16, signal: abort.signal });
  const seconds = isShort ? 3 : 15;
  await new Promise((resolve) => setTimeout(resolve, seconds * 1000));
  abort.abort();
  const { ok, failed, refused } = await loaded;
  assert.deepEqual([failed, refused], [{}, 0]);
  return ok / seconds;
}

Deno.test("two boxes do nearly twice the work of one", async () => {
  const [one, two] = [await rate(1), await rate(2)];
  console.log(
    `one box ${one.toFixed(0)}/s, two ${two.toFixed(0)}/s: ${(two / one).toFixed(2)} times`,
  );
  // Short runs stand beside others.
  assert.ok(two > one * (isShort ? 1.2 : 1.7));
});

/** Processor time that a process has used, in milliseconds; nothing if it has ended. */
function cpuMs(pid: number): number | undefined {
  const { success, stdout } = new Deno.Command("sh", {
    args: ["-c", `cat /proc/${pid}/stat`],
    stderr: "null",
  }).outputSync();
  const fields = new TextDecoder().decode(stdout).replace(/^.*\) /, "").split(" ");
  if (!success || fields[0] === "Z") return undefined;
  return (Number(fields[11]) + Number(fields[12])) * TICK_MS;
}

const TICK_MS = 10;

Deno.test("the core that a stuck worker burns is free again once its box is replaced", async () => {
  await using machine = await startMachine();
  const pids = (await machine.status()).boxes.map(({ pid }) => pid);
  const before = new Map(pids.map((pid) => [pid, cpuMs(pid)!]));
  const response = await fetch(`${machine.url}bad/spin`);
  await response.body?.cancel();
  assert.equal(response.status, 504);
  const answered = performance.now();
  let burned = 0;
  for (;;) {
    const now = pids.map((pid) => [pid, cpuMs(pid)] as const);
    if (now.some(([, ms]) => ms === undefined)) break;
    burned = Math.max(...now.map(([pid, ms]) => ms! - before.get(pid)!));
    assert.ok(performance.now() - answered < 30_000, "its box goes on");
  }
  const freeMs = performance.now() - answered;
  const { serving, boxes, replacements } = await machine.until((status) =>
    status.boxes.every(({ pid }) => cpuMs(pid) !== undefined)
  );
  assert.deepEqual([serving, replacements], [2, 1]);
  const rest = boxes.map(({ pid }) => [pid, cpuMs(pid)!] as const);
  await new Promise((resolve) => setTimeout(resolve, 1000));
  const idle = Math.max(...rest.map(([pid, ms]) => cpuMs(pid)! - ms));
  console.log(
    `free ${freeMs.toFixed(0)} ms after the answer, ${burned} ms of processor time burned; ` +
      `afterwards ${idle} ms a second`,
  );
  assert.ok(idle < 300, `${idle} ms of a second are used by a box that has nothing to do`);
});
