/**
 * What must be the same wherever a message goes: each case sends messages to one receiver and tells what came of
 * it, in a form that can be compared.
 *
 * @module
 */

import assert from "node:assert/strict";
import type { Store, Xbox, XboxResult } from "../../../mod.ts";

/** What a case uses. */
export interface Ground {
  xbox: Xbox;
  /** A store that the receiver's handlers use as well. */
  store: Store;
  /** The receiver. */
  to: string;
  /** What no other run uses. */
  mark: string;
}

type Case = (ground: Ground) => unknown;

const cyclic: Record<string, unknown> = { name: "cyclic" };
cyclic.self = cyclic;

/** Values of the structured-clone set. */
const VALUES: readonly unknown[] = [
  undefined,
  null,
  0,
  -0,
  NaN,
  Infinity,
  "",
  "text €😀",
  "\ud800",
  true,
  12345678901234567890n,
  new Date(0),
  new Date(NaN),
  /a+/gi,
  new Map<unknown, unknown>([["a", new Set([1, 2n])], [{ k: 1 }, [new Map()]]]),
  Uint8Array.of(0, 255),
  new Float64Array([1.5, NaN]),
  new BigInt64Array([-1n]),
  new DataView(new ArrayBuffer(3)),
  new ArrayBuffer(4),
  [1, , 3],
  { deep: { er: [new Date(1)] }, undef: undefined },
  { ["__proto__"]: 1, constructor: 2 },
  new Array(300).fill({ same: true }),
  cyclic,
];

function told(error: unknown): unknown {
  if (!(error instanceof Error)) return error;
  const { name, message, code } = error as Error & { code?: unknown };
  // Who gives up says so in words of its own.
  if (code === "CANCELLED" || code === "DEADLINE_EXCEEDED") return { name, code };
  const known = typeof code === "string" ? { code } : {};
  const shown = message.split(":")[0]!.slice(0, 60).replace(/\d+/g, "n");
  const cause = error.cause === undefined ? {} : { cause: told(error.cause) };
  return { class: error.constructor.name, name, ...known, message: shown, ...cause };
}

function shown({ code, value, error, side, mayHaveRun }: XboxResult): unknown {
  if (error === undefined) return { code, value };
  return { code, error: told(error), side, mayHaveRun };
}

async function thrown(work: () => unknown): Promise<unknown> {
  try {
    await work();
  } catch (error) {
    return told(error);
  }
  return "nothing was thrown";
}

async function until(holds: () => Promise<boolean>): Promise<void> {
  const end = performance.now() + 20_000;
  while (!await holds()) {
    assert.ok(performance.now() < end, `Waited in vain for ${holds}`);
    await new Promise((resolve) => setTimeout(resolve, 3));
  }
}

/** Messages that may wait at the receiver, which has one worker. */
export const QUEUE_LIMIT = 32;

/** Fills the receiver's worker and its queue, runs something, and empties them. */
async function whileFull({ xbox, store, to, mark }: Ground, work: () => unknown): Promise<unknown> {
  const start = () => xbox.start({ do: "gate", name: mark }, { to });
  const tasks = [start()];
  await until(() => store.has(["gate", mark, "entered"]));
  for (let waiting = 0; waiting < QUEUE_LIMIT; waiting++) tasks.push(start());
  // Until all of them are in the queue, another one is taken.
  await until(async () => await isRefused(xbox, to));
  try {
    return await work();
  } finally {
    await store.set(["gate", mark, "open"], true);
    for (const task of tasks) await task.result();
  }
}

/** Whether a message that does nothing is refused by a full queue. */
async function isRefused(xbox: Xbox, to: string): Promise<boolean> {
  try {
    await xbox.send("x", { to, timeoutMs: 20 });
    return false;
  } catch (error) {
    return (error as { code?: unknown }).code === "QUEUE_FULL";
  }
}

/** The cases, by what they show. */
export const CASES: Readonly<Record<string, Case>> = {
  "values of the whole structured-clone set come back": async ({ xbox, to }) => {
    const different: unknown[] = [];
    for (const value of VALUES) {
      const back = await xbox.send({ do: "echo", value }, { to });
      try {
        assert.deepEqual(back, value);
      } catch {
        different.push([Deno.inspect(value), Deno.inspect(back)]);
      }
    }
    return different;
  },
  "values arrive as they were sent": async ({ xbox, to }) => {
    const different: unknown[] = [];
    for (const value of VALUES) {
      const there = await xbox.send({ do: "describe", value }, { to });
      const here = Deno.inspect(value, { depth: 9 });
      if (there !== here) different.push([here, there]);
    }
    return different;
  },
  "a message that is no order": async ({ xbox, to }) => {
    const back: unknown[] = [];
    for (const message of ["", "text", undefined, null, 0, [], new Map()]) {
      back.push(Deno.inspect(await xbox.send(message, { to })));
    }
    return back;
  },
  "an error as a value": async ({ xbox, to }) => {
    return told(await xbox.send({ do: "echo", value: new RangeError("as a value") }, { to }));
  },
  "what is shared in a value stays shared": async ({ xbox, to }) => {
    const same = { a: 1 };
    const [first, second] = await xbox.send<[object, object]>(
      { do: "echo", value: [same, same] },
      { to },
    );
    return first === second;
  },
  "what the sender changes after it has sent does not arrive": async ({ xbox, to }) => {
    const value = { list: [1] };
    const bytes = Uint8Array.of(1, 2, 3);
    const task = xbox.start({ do: "echo", value: { value, bytes } }, { to });
    value.list.push(2);
    bytes.fill(9);
    const back = (await task.result()).value as { value: object; bytes: Uint8Array };
    return [back.value, [...back.bytes], bytes.length];
  },
  "a value of a mebibyte": async ({ xbox, to }) => {
    const value = new Uint8Array(2 ** 20).map((_, index) => index);
    const back = await xbox.send<Uint8Array>({ do: "echo", value }, { to });
    return [back.length, back.every((byte, index) => byte === value[index])];
  },
  "a result can be asked for again": async ({ xbox, to }) => {
    const task = xbox.start({ do: "echo", value: 1 }, { to });
    const [first, second] = [await task.result(), await task.result({ timeoutMs: 1 })];
    task.cancel();
    return [shown(first), first === second, task.status];
  },
  "waiting ends before the task does": async ({ xbox, store, to, mark }) => {
    const task = xbox.start({ do: "gate", name: mark }, { to });
    const early = await task.result({ timeoutMs: 5 });
    await store.set(["gate", mark, "open"], true);
    const { code, value } = await task.result();
    return [shown(early), code, value === mark];
  },
  ...Object.fromEntries(
    [
      "RangeError with a cause",
      "own class",
      "text",
      "nothing",
      "RuntimeError that looks like the runtime's",
      "AbortError",
    ].map((name) => [
      `the handler throws ${name}`,
      async ({ xbox, to }: Ground) => {
        const task = xbox.start({ do: "throw", name }, { to });
        const result = await task.result();
        const again = await thrown(() => xbox.send({ do: "throw", name }, { to }));
        return [shown(result), task.status, again];
      },
    ]),
  ),
  "the handler returns what cannot travel": async ({ xbox, to }) => {
    return [
      shown(await xbox.start({ do: "function" }, { to }).result()),
      shown(await xbox.start({ do: "shared" }, { to }).result()),
    ];
  },
  "a message that cannot travel": async ({ xbox, to }) => {
    const names: unknown[] = [];
    for (const message of [() => {}, Symbol("s"), { deep: [() => {}] }, new WeakMap()]) {
      names.push((await thrown(() => xbox.start(message, { to })) as { name: string }).name);
      names.push((await thrown(() => xbox.post(message, { to })) as { name: string }).name);
    }
    return names;
  },
  "wrong options": async ({ xbox, to }) => [
    await thrown(() => xbox.start("x", { to, timeoutMs: 0 })),
    await thrown(() => xbox.start("x", { to, timeoutMs: NaN })),
    await thrown(() => xbox.start("x", { to, priority: "huge" as "high" })),
    await thrown(() => xbox.start("x", { to, signal: AbortSignal.abort(new Error("gone")) })),
  ],
  "the task runs out of time": async ({ xbox, store, to, mark }) => {
    // A worker that has to start first takes its time.
    await xbox.send("warm", { to });
    const task = xbox.start({ do: "gate", name: mark }, { to, timeoutMs: 1000 });
    await until(() => store.has(["gate", mark, "entered"]));
    const result = await task.result();
    await until(() => store.has(["gate", mark, "aborted"]));
    return [shown({ ...result, side: undefined }), task.status];
  },
  "the task is cancelled": async ({ xbox, store, to, mark }) => {
    const task = xbox.start({ do: "gate", name: mark }, { to });
    await until(() => store.has(["gate", mark, "entered"]));
    task.cancel("no more");
    const result = await task.result();
    await until(() => store.has(["gate", mark, "aborted"]));
    return [shown(result), task.status];
  },
  "the sender's signal cancels the task": async ({ xbox, store, to, mark }) => {
    const abort = new AbortController();
    const task = xbox.start({ do: "gate", name: mark }, { to, signal: abort.signal });
    await until(() => store.has(["gate", mark, "entered"]));
    abort.abort(new Error("the sender left"));
    const { code, error } = await task.result();
    await until(() => store.has(["gate", mark, "aborted"]));
    return [code, (error as Error & { code: string }).code];
  },
  "the queue is full": async (ground) => {
    const { xbox, to } = ground;
    return await whileFull(ground, async () => [
      await thrown(() => xbox.send("x", { to })),
      await thrown(() => xbox.post("x", { to })),
    ]);
  },
  "a posted message is handled": async ({ xbox, store, to, mark }) => {
    const accepted = await xbox.post({ do: "note", name: mark, value: "posted" }, { to });
    await until(() => store.has(["noted", mark]));
    return [accepted, await store.get(["noted", mark])];
  },
  "a posted message that fails is no error": async ({ xbox, to }) => {
    return await thrown(() => xbox.post({ do: "throw", name: "text" }, { to }));
  },
  "what the handler knows": async ({ xbox, to }) => {
    const { from, ...rest } = await xbox.send<{ from: string }>({ do: "context" }, { to });
    return [typeof from, rest];
  },
  "the handler sends a message itself": async ({ xbox, to }) => {
    return await xbox.send({ do: "nest", value: "inner" }, { to });
  },
  "the worker ends under the message": async ({ xbox, to }) => {
    return shown(await xbox.start({ do: "exit" }, { to }).result());
  },
  "many at once": async ({ xbox, to }) => {
    for (let round = 0; round < 10; round++) {
      const numbers = Array.from({ length: QUEUE_LIMIT }, (_, index) => round * 100 + index);
      const ask = (value: number) => xbox.send({ do: "echo", value }, { to });
      assert.deepEqual(await Promise.all(numbers.map(ask)), numbers);
    }
    return true;
  },
};

/** Runs all cases and tells what came of each. */
export async function runCases(ground: Omit<Ground, "mark">): Promise<Record<string, unknown>> {
  const outcomes: Record<string, unknown> = {};
  const run = crypto.randomUUID();
  for (const [index, [name, work]] of Object.entries(CASES).entries()) {
    const mark = `${run} ${index}`;
    outcomes[name] = await Promise.resolve(work({ ...ground, mark })).catch((error) => ({
      failed: Deno.inspect(error),
    }));
  }
  return outcomes;
}
