import assert from "node:assert/strict";
import { stub } from "@std/testing/mock";
import { runUntilStopped } from "../../../runtime/box/lifecycle.ts";
import { createLog } from "../../../runtime/log.ts";

class Exit extends Error {
  constructor(readonly status: number) {
    super(`exit ${status}`);
  }
}

/** Runs a box that does nothing, under a clock and signals of the test's own. */
function runFake({ detached = true }: { detached?: boolean } = {}) {
  const listeners = new Map<string, () => void>();
  const lines: string[] = [];
  const drains: number[] = [];
  let time = 1000;
  let finish = () => {};
  const finished = new Promise<void>((resolve) => finish = resolve);
  const stubs = [
    stub(performance, "now", () => time),
    stub(Deno, "addSignalListener", (name: string, listener: () => void) => {
      listeners.set(name, listener);
    }),
    stub(Deno, "removeSignalListener", (name: string) => void listeners.delete(name)),
    stub(Deno, "exit", (status = 0): never => {
      throw new Exit(Number(status));
    }),
  ];
  const box = {
    finished,
    drain: ({ graceMs }: { graceMs: number }) => (drains.push(graceMs), finished),
  };
  const log = createLog({ level: "info", write: (line) => lines.push(line.slice(25)) });
  const ended = assert.rejects(
    runUntilStopped(box, { log, graceMs: 77, detached }),
    (error: Error) => error instanceof Exit && error.status === 0,
  );
  return {
    listeners,
    lines,
    drains,
    signal: (name: "SIGINT" | "SIGTERM", afterMs: number) => {
      time += afterMs;
      listeners.get(name)!();
    },
    finish: async () => {
      finish();
      await ended;
    },
    [Symbol.dispose]: () => stubs.forEach((each) => each.restore()),
  };
}

Deno.test("runUntilStopped() takes a signal within 500 ms for the echo of the first", async () => {
  using run = runFake();
  run.signal("SIGINT", 0);
  run.signal("SIGINT", 6);
  run.signal("SIGTERM", 494);
  assert.deepEqual(run.drains, [77]);
  assert.deepEqual(run.lines, ['INFO The box drains why="SIGINT"']);
  await run.finish();
  assert.equal(run.listeners.size, 0);
});

for (const [name, status] of [["SIGINT", 130], ["SIGTERM", 143]] as const) {
  Deno.test(`runUntilStopped() ends at once at a second ${name} after 500 ms`, async () => {
    using run = runFake();
    run.signal("SIGTERM", 0);
    assert.throws(
      () => run.signal(name, 501),
      (error: Error) => error instanceof Exit && error.status === status,
    );
    assert.deepEqual(run.drains, [77]);
    assert.equal(run.lines[1], `WARN The box ends at once why="${name}"`);
    await run.finish();
  });
}
