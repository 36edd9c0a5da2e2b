/**
 * Boxes that are killed while they handle durable messages, and what must be true afterwards. It runs as a program of
 * its own, which may listen at the socket of the store.
 *
 * @module
 */

import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { POSTS_DEFAULTS } from "../../../../runtime/options/peers.ts";
import { engineOf, openStore } from "../../../../runtime/store/mod.ts";
import { PostQueue } from "../../../../runtime/xbox/durable/queue.ts";
import type { Log } from "../../../../runtime/types/log.ts";
import { type Program, REPOSITORY, runDeno, startDeno } from "../../../support/program.ts";
import { tempDir } from "../../../support/temp_dir.ts";
import { until } from "./support.ts";

/** What is posted to the boxes of a crash test. */
export interface CrashMessage {
  /** Its number. */
  n: number;
  /** What it does: has an effect and posts a second one, has an effect, kills its box, fails. */
  kind: "first" | "second" | "ordered" | "poison" | "bad";
  /** What it is ordered by. */
  line?: string;
}

/** How a crash test runs. */
export interface CrashPlan {
  /** Messages that each post another one. */
  posts: number;
  /** Messages in each of four lines. */
  ordered: number;
  /** Messages that end the box that handles them. */
  poisoned: number;
  /** Boxes that are killed. */
  kills: number;
  /** Messages that are handled from one kill to the next, at most; chance says how many. Or 0: a second each time. */
  every: number;
  /** Longest time for all, in milliseconds. */
  longestMs: number;
}

/** What was seen. */
export interface CrashResult {
  /** Boxes that were killed. */
  kills: number;
  /** Of these, how many while there was work left. */
  busyKills: number;
  /** Boxes that ended by a message. */
  ends: number;
  /** Messages that were handled more than once. */
  twice: number;
  /** How long it took, in milliseconds. */
  ms: number;
}

const LINES = ["a", "b", "c", "d"];
const CHILD = fileURLToPath(new URL("./box_child.ts", import.meta.url));
const BOXES = 2;

/** Runs it in a program of its own; every promise is asserted there. */
export async function crash(plan: CrashPlan): Promise<CrashResult> {
  const { code, stdout, stderr } = await runDeno([
    ...["run", "--no-prompt", "--quiet", "--no-check", "--unstable-kv"],
    ...["--allow-read", "--allow-write=/tmp", "--allow-run=deno", "--allow-net", "--allow-env"],
    ...[fileURLToPath(import.meta.url), JSON.stringify(plan)],
  ]);
  assert.equal(code, 0, stderr);
  return JSON.parse(stdout) as CrashResult;
}

async function run(plan: CrashPlan): Promise<CrashResult> {
  await using folder = await tempDir();
  const [url, socket] = [`${folder.path}/posts.kv`, `${folder.path}/sockets/store`];
  await using store = await openStore({ url, socket, near: false });
  const log = new Proxy({}, { get: () => () => {} }) as Log;
  const posting = new PostQueue({
    engine: engineOf(store),
    options: POSTS_DEFAULTS,
    deliver: () => Promise.reject(new Error("it only posts")),
    boxId: "posting",
    log,
  });
  const programs: Program[] = [];
  let [handledBefore, kills, busyKills, ends, isOver] = [0, 0, 0, 0, false];
  const total = plan.posts * 2 + plan.ordered * LINES.length;
  const handledBy = ({ stdout }: Program) => stdout.text.split("handled\n").length - 1;
  const slots: Program[] = [];
  const start = (slot: number) => {
    const program = startDeno([
      ...["run", "--no-prompt", "--quiet", "--no-check", "--unstable-kv"],
      `--allow-net=unix:${socket}`,
      ...[`--allow-read=${REPOSITORY},${folder.path}`, `--allow-write=${folder.path}`],
      ...[CHILD, url, socket, `box-${slot}`],
    ]);
    slots[slot] = program;
    programs.push(program);
    program.status.then(() => {
      handledBefore += handledBy(program);
      if (isOver) return;
      ends++;
      start(slot);
    });
  };
  const handled = () =>
    handledBefore + slots.reduce((sum, one) => sum + (one.ended ? 0 : handledBy(one)), 0);
  const began = performance.now();
  try {
    for (let slot = 0; slot < BOXES; slot++) start(slot);
    const post = (message: CrashMessage, orderingKey?: string) =>
      posting.accept(message, {
        key: `${message.kind}-${message.line ?? ""}${message.n}`,
        orderingKey,
      });
    const posts = Array.from({ length: plan.posts }, (_, n) => () => post({ n, kind: "first" }));
    const accepting = inTurns([
      ...Array.from({ length: plan.poisoned }, (_, n) => () => post({ n, kind: "poison" })),
      ...Array.from({ length: plan.poisoned }, (_, n) => () => post({ n, kind: "bad" })),
      ...posts,
    ]);
    const lines = LINES.map(async (line) => {
      for (let n = 0; n < plan.ordered; n++) await post({ n, kind: "ordered", line }, line);
    });
    while (kills < plan.kills) {
      await moment(plan.every, handled);
      if (handled() < total) busyKills++;
      const victim = slots[Math.floor(Math.random() * BOXES)]!;
      victim.kill("SIGKILL");
      kills++;
      await victim.status;
    }
    await Promise.all([accepting, ...lines]);
    const end = performance.now() + plan.longestMs;
    let status = await posting.count();
    while (status.waiting + status.delayed + status.running > 0) {
      assert.ok(performance.now() < end, `messages are left: ${JSON.stringify(status)}`);
      await new Promise((resolve) => setTimeout(resolve, 20));
      status = await posting.count();
    }
    const ms = performance.now() - began;
    isOver = true;
    for (const program of programs) program.kill("SIGKILL");
    await Promise.all(programs.map((program) => program.status));

    const effects = await Array.fromAsync(
      store.list({ prefix: ["effect"] }),
      ({ key }) => String(key[1]),
    );
    assert.deepEqual(
      effects.toSorted(),
      [
        ...Array.from({ length: plan.posts }, (_, n) => [`first-${n}`, `second-${n}`]).flat(),
        ...LINES.flatMap((line) =>
          Array.from({ length: plan.ordered }, (_, n) => `ordered-${line}${n}`)
        ),
      ].toSorted(),
    );
    assert.deepEqual(await Array.fromAsync(store.list({ prefix: ["broken"] })), []);
    const letters = await posting.dead({ limit: 1000 });
    const dead = letters.map(({ message }) => (message as CrashMessage).kind).toSorted();
    assert.deepEqual(dead, [
      ...Array.from({ length: plan.poisoned }, () => "bad"),
      ...Array.from({ length: plan.poisoned }, () => "poison"),
    ]);
    for (const { attempts } of letters) assert.ok(attempts >= 1);
    const twice = await store.get<number>(["twice"]) ?? 0;
    return { kills, busyKills, ends: ends - kills, twice, ms: Math.round(ms) };
  } finally {
    isOver = true;
    await Promise.all(programs.map((program) => program[Symbol.asyncDispose]()));
    await posting.stop(0);
  }
}

async function moment(every: number, handled: () => number): Promise<void> {
  if (every === 0) return await new Promise((resolve) => setTimeout(resolve, 1000));
  const wanted = handled() + Math.ceil(Math.random() * every);
  await until(() => handled() >= wanted, "too little is handled");
}

/** Does things, some at once. */
async function inTurns(work: (() => Promise<void>)[]): Promise<void> {
  const left = work.values();
  await Promise.all(Array.from({ length: 32 }, async () => {
    for (const one of left) await one();
  }));
}

if (import.meta.main) {
  console.log(JSON.stringify(await run(JSON.parse(Deno.args[0]!) as CrashPlan)));
}
