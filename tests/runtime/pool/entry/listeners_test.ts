import assert from "node:assert/strict";
import { inWorker } from "./support.ts";

/** Takes what a document may give it. */
type Method = (this: unknown, ...args: unknown[]) => void;

Deno.test("Baseline.restore() removes listeners that were added, however they were", async () => {
  const seen = await inWorker(({ Baseline, unwatched }) => {
    const calls: string[] = [];
    const note = (name: string) => () => void calls.push(name);
    const types = ["x", "y", "error", "unhandledrejection"];
    const dispatch = () => {
      calls.length = 0;
      for (const type of types) dispatchEvent(new Event(type, { cancelable: true }));
      return calls.join(" ");
    };
    unwatched.addEventListener("x", note("runtime"));
    const controller = new AbortController();
    const baseline = new Baseline();
    baseline.take();
    const { addEventListener: captured } = globalThis;
    addEventListener("x", note("plain"));
    globalThis.addEventListener("x", note("capture"), true);
    self.addEventListener("x", note("signal"), { signal: controller.signal });
    EventTarget.prototype.addEventListener.call(globalThis, "x", note("prototype"));
    captured("x", { handleEvent: note("object") });
    addEventListener("y", note("once"), { once: true });
    addEventListener("error", note("error"));
    addEventListener("unhandledrejection", note("rejection"), { passive: true });
    addEventListener("y", null as unknown as EventListener);
    const before = dispatch();
    addEventListener("y", note("unused"), { once: true, capture: true });
    const { stuck } = baseline.restore();
    return [before, dispatch(), stuck];
  });
  assert.deepEqual(seen, [
    "runtime plain capture signal prototype object once error rejection",
    "runtime",
    [],
  ]);
});

Deno.test("Baseline.restore() re-adds removed listeners, in order and with their options", async () => {
  const seen = await inWorker(({ Baseline }) => {
    const calls: string[] = [];
    const listeners = ["a", "b", "c", "d"].map((name) => ({
      handleEvent: () => void calls.push(name),
    }));
    const [a, b, c, d] = listeners;
    const dispatch = () => {
      calls.length = 0;
      dispatchEvent(new Event("x"));
      return calls.join(" ");
    };
    addEventListener("x", a!);
    addEventListener("x", b!, { once: true });
    addEventListener("x", c!, { capture: true });
    addEventListener("x", d!);
    // Known already.
    addEventListener("x", a!, { once: true });
    removeEventListener("x", d!, true);
    const baseline = new Baseline();
    baseline.take();
    const results: unknown[] = [];
    for (let round = 0; round < 2; round++) {
      results.push(dispatch(), dispatch());
      baseline.restore();
      removeEventListener("x", c!, { capture: true });
      removeEventListener("x", a!);
      addEventListener("x", a!);
      results.push(dispatch());
      baseline.restore();
    }
    removeEventListener("x", a!);
    removeEventListener("x", b!);
    removeEventListener("x", c!, true);
    removeEventListener("x", d!);
    results.push(dispatch(), baseline.restore().stuck, dispatch());
    return results;
  });
  const round = ["a b c d", "a c d", "b d a"];
  assert.deepEqual(seen, [...round, ...round, "", [], "a b c d"]);
});

Deno.test("Baseline.restore() keeps away a listener whose signal was aborted, and one that was called once before", async () => {
  const seen = await inWorker(({ Baseline }) => {
    const calls: string[] = [];
    const dispatch = () => {
      calls.length = 0;
      dispatchEvent(new Event("x"));
      return calls.join(" ");
    };
    const controller = new AbortController();
    addEventListener("x", () => void calls.push("called"), { once: true });
    addEventListener("x", () => void calls.push("aborted"), { signal: controller.signal });
    addEventListener("x", () => void calls.push("never"), { signal: AbortSignal.abort() });
    addEventListener("x", () => void calls.push("stays"));
    const first = dispatch();
    const baseline = new Baseline();
    baseline.take();
    controller.abort();
    addEventListener("x", () => void calls.push("added"));
    const second = dispatch();
    baseline.restore();
    return [first, second, dispatch()];
  });
  assert.deepEqual(seen, ["called aborted stays", "stays added", "stays"]);
});

Deno.test("a listener that was refused, removed or aborted can be added again", async () => {
  const seen = await inWorker(({ Baseline }) => {
    const calls: string[] = [];
    const dispatch = () => {
      calls.length = 0;
      dispatchEvent(new Event("x"));
      return calls.join(" ");
    };
    const [a, b, c] = ["a", "b", "c"].map((name) => () => void calls.push(name));
    const controller = new AbortController();
    addEventListener("x", a!, { signal: AbortSignal.abort() });
    addEventListener("x", b!, { signal: controller.signal });
    addEventListener("x", c!);
    addEventListener("x", c!);
    removeEventListener("x", c!);
    const baseline = new Baseline();
    baseline.take();
    addEventListener("x", a!);
    const results = [dispatch()];
    controller.abort();
    results.push(dispatch());
    baseline.restore();
    results.push(dispatch());
    addEventListener("x", b!);
    results.push(dispatch());
    baseline.take();
    addEventListener("x", a!);
    baseline.restore();
    results.push(dispatch());
    return results;
  });
  assert.deepEqual(seen, ["b a", "a", "", "b", "b"]);
});

Deno.test("a listener called once that was removed, or stopped, is not forgotten wrongly", async () => {
  const seen = await inWorker(({ Baseline }) => {
    const calls: string[] = [];
    const once = () => void calls.push("once");
    const dispatch = () => {
      calls.length = 0;
      dispatchEvent(new Event("x"));
      return calls.join(" ");
    };
    const stop = (event: Event) => event.stopImmediatePropagation();
    addEventListener("x", stop, { once: true });
    addEventListener("x", once, { once: true });
    const results: unknown[] = [dispatch()];
    // Still waiting, so it belongs to the state.
    const baseline = new Baseline();
    baseline.take();
    results.push(dispatch(), dispatch());
    baseline.restore();
    results.push(dispatch());
    baseline.restore();
    removeEventListener("x", once);
    results.push(dispatch());
    baseline.restore();
    results.push(dispatch());
    return results;
  });
  assert.deepEqual(seen, ["", "once", "", "once", "", "once"]);
});

Deno.test("watched listeners behave and look as Deno's own", async () => {
  const body = () => {
    const results: unknown[] = [];
    const tries: Record<string, (add: Method) => unknown> = {
      "no arguments": (add) => add(),
      "one argument": (add) => add("x"),
      "a wrong signal": (add) => add("x", () => {}, { signal: 1 }),
      "a wrong target": (add) => add.call({}, "x", () => {}),
      "a wrong type": (add) =>
        add({
          toString: () => {
            throw new Error("no");
          },
        }, () => {}),
      "nobody": (add) => add("x", null),
    };
    for (const name of ["addEventListener", "removeEventListener"] as const) {
      const method = EventTarget.prototype[name] as unknown as Method;
      results.push(name, method.name, method.length, globalThis[name] === method);
      results.push(JSON.stringify(Object.getOwnPropertyDescriptor(EventTarget.prototype, name)));
      for (const [label, act] of Object.entries(tries)) {
        try {
          results.push(label, act(method));
        } catch (error) {
          results.push(label, String(error));
        }
      }
    }
    const target = new EventTarget();
    let calls = 0;
    const count = () => void calls++;
    target.addEventListener("x", count);
    target.addEventListener("x", count, { once: true, capture: true });
    for (let i = 0; i < 2; i++) target.dispatchEvent(new Event("x"));
    target.removeEventListener("x", count);
    target.dispatchEvent(new Event("x"));
    results.push(calls);
    return results;
  };
  const plain = await inWorker(Function(`return ({ scope }) => scope.plain;`)(), {
    before: Function(`return (scope) => { scope.plain = (${body})(); };`)(),
  });
  assert.deepEqual(await inWorker(body), plain);
});
