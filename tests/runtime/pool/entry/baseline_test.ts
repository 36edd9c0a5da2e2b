import assert from "node:assert/strict";
import { inWorker } from "./support.ts";

Deno.test("Baseline.take() again makes what is there now the state to go back to", async () => {
  const seen = await inWorker(async ({ Baseline, scope, unwatched }) => {
    const calls: string[] = [];
    const dispatch = () => {
      calls.length = 0;
      dispatchEvent(new Event("x"));
      return calls.join(" ");
    };
    const baseline = new Baseline();
    // Nothing has been taken, so nothing is undone.
    scope.first = 1;
    const early = [baseline.restore(), baseline.restoreHandlers(), scope.first];
    baseline.take();
    scope.second = 2;
    scope.first = 3;
    addEventListener("x", () => void calls.push("second"));
    const fired = Promise.withResolvers<void>();
    setTimeout(fired.resolve, 0);
    baseline.take();
    delete scope.first;
    scope.second = 4;
    scope.third = 5;
    addEventListener("x", () => void calls.push("third"));
    const stuck = [baseline.restore().stuck, baseline.restore().stuck];
    await fired.promise;
    await new Promise<void>((resolve) => unwatched.setTimeout(resolve));
    return [early, stuck, scope.first, scope.second, "third" in scope, dispatch()];
  });
  const early = [{ stuck: [] }, { stuck: [] }, 1];
  assert.deepEqual(seen, [early, [[], []], 3, 2, false, "second"]);
});

Deno.test("Baseline.restore() goes on when one of its steps fails", async () => {
  const seen = await inWorker(({ Baseline, scope }) => {
    const calls: string[] = [];
    const baseline = new Baseline();
    baseline.take();
    const controller = new AbortController();
    addEventListener("x", () => void calls.push("x"), { signal: controller.signal });
    addEventListener("y", () => void calls.push("y"));
    Object.defineProperty(controller.signal, "removeEventListener", {
      get: () => {
        throw new Error("no");
      },
    });
    scope.onerror = () => {};
    scope.leak = 1;
    const { stuck } = baseline.restore();
    dispatchEvent(new Event("y"));
    return [
      stuck.filter((name) => name !== "listener of x"),
      calls,
      scope.onerror,
      "leak" in scope,
    ];
  });
  assert.deepEqual(seen, [[], [], null, false]);
});

Deno.test("10,000 restores do not grow memory, and end nothing of the runtime's", async () => {
  const { early, late, heard } = await inWorker(async ({ Baseline, scope, unwatched }) => {
    const baseline = new Baseline();
    let heard = 0;
    unwatched.addEventListener("x", () => void heard++);
    baseline.take();
    let least = Infinity;
    let early = 0;
    for (let round = 1; round <= 10_000; round++) {
      const ballast = new Array(1000).fill(round);
      scope.leak = ballast;
      scope.escape = ballast;
      addEventListener("x", () => ballast);
      addEventListener(`type ${round}`, () => ballast, { once: true });
      addEventListener("error", () => ballast, { signal: new AbortController().signal });
      scope.onerror = () => ballast;
      setTimeout(() => ballast, 60_000);
      setInterval(() => ballast, 60_000);
      setImmediate(() => ballast);
      if (baseline.restore().stuck.length > 0) throw new Error("stuck");
      least = Math.min(least, Deno.memoryUsage().heapUsed);
      if (round === 2000) [early, least] = [least, Infinity];
      if (round === 8000) least = Infinity;
      if (round % 100 === 0) await new Promise<void>((resolve) => unwatched.setTimeout(resolve));
    }
    dispatchEvent(new Event("x"));
    return { early, late: least, heard };
  });
  // Kept ballast would be more than 60 MB.
  assert.ok(late < early + 15_000_000, `${early} bytes became ${late}`);
  assert.equal(heard, 1);
});

Deno.test("timers that have ended are let go of without a restore", async () => {
  const { early, late } = await inWorker(async ({ unwatched }) => {
    let least = Infinity;
    let early = 0;
    for (let round = 1; round <= 10_000; round++) {
      const ballast = new Array(1000).fill(round);
      clearTimeout(+setTimeout(() => ballast, 60_000));
      setTimeout(() => ballast, 0);
      clearImmediate(setImmediate(() => ballast));
      least = Math.min(least, Deno.memoryUsage().heapUsed);
      if (round === 2000) [early, least] = [least, Infinity];
      if (round === 8000) least = Infinity;
      if (round % 100 === 0) await new Promise<void>((resolve) => unwatched.setTimeout(resolve));
    }
    return { early, late: least };
  });
  assert.ok(late < early + 15_000_000, `${early} bytes became ${late}`);
});
