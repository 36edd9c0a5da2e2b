import assert from "node:assert/strict";
import { createLog } from "../../../runtime/log.ts";
import { BoxProcess } from "../../../runtime/supervisor/box_process.ts";
import { Slot } from "../../../runtime/supervisor/slot.ts";

/** A slot whose boxes are no processes; `start` may throw. */
function makeSlot(start: (pid: number) => void) {
  const started: BoxProcess[] = [];
  const givenUp: string[] = [];
  const waiting = new Set<() => void>();
  let last = 0;
  const slot = new Slot(1, {
    start: () => {
      start(++last);
      const end = (reason: string) => (pid: number) =>
        queueMicrotask(() => started.find((box) => box.pid === pid)!.end(reason));
      const host = { drain: end("exited 0"), kill: end("signaled 9") };
      const box = new BoxProcess(last, 60_000, host);
      started.push(box);
      for (const resolve of waiting) resolve();
      return box;
    },
    onChange: () => {},
    onGiveUp: (why) => givenUp.push(why),
    ...{ graceMs: 100, log: createLog({ level: "error", write: () => {} }) },
  });
  return {
    slot,
    started,
    givenUp,
    /** Resolves when so many have been started, and lets the last of them serve. */
    serves: async (count: number) => {
      while (started.length < count) await new Promise<void>((resolve) => waiting.add(resolve));
      serve(started[count - 1]!);
    },
  };
}

function serve(box: BoxProcess): void {
  box.hear({ type: "ready", port: 1, url: "http://127.0.0.1:1/", site: "fake" });
}

Deno.test("A slot whose box cannot be started tries again", async () => {
  const { slot, started, serves } = makeSlot((pid) => {
    if (pid === 2 || pid === 3) throw new Error("there is no program");
  });
  const filled = slot.fill();
  await serves(1);
  await filled;
  started[0]!.end("signaled 9");
  await serves(2);
  assert.equal(slot.lastFailure, "there is no program");
  assert.deepEqual([slot.box?.pid, slot.box?.state], [4, "serving"]);
  await slot.drain(100);
});

Deno.test("A slot whose successor cannot be started goes on with a new box if the old one has ended", async () => {
  const { slot, started, serves } = makeSlot((pid) => {
    if (pid === 2) throw new Error("there is no program");
  });
  const filled = slot.fill();
  await serves(1);
  await filled;
  started[0]!.end("signaled 9");
  await assert.rejects(slot.replace("new code"), /there is no program/);
  await serves(2);
  assert.equal(slot.box?.state, "serving");
  await slot.drain(100);
});

Deno.test("A slot that stops starts no successor", async () => {
  const { slot, started, serves } = makeSlot(() => {});
  const filled = slot.fill();
  await serves(1);
  await filled;
  await slot.drain(100);
  await assert.rejects(slot.replace("new code"), { code: "STOPPING" });
  assert.equal(started.length, 1);
});
