import assert from "node:assert/strict";
import { inWorker } from "./support.ts";

Deno.test("Baseline.restore() sets handler properties to what they held", async () => {
  const seen = await inWorker(({ Baseline, scope }) => {
    const calls: string[] = [];
    const dispatch = () => {
      calls.length = 0;
      for (const type of ["error", "unhandledrejection", "message"]) {
        dispatchEvent(new Event(type, { cancelable: true }));
      }
      return calls.join(" ");
    };
    const first = () => void calls.push("first");
    const names = ["onerror", "onunhandledrejection", "onmessage"];
    const results: unknown[] = [names.map((name) => scope[name])];
    scope.onerror = first;
    const baseline = new Baseline();
    baseline.take();
    for (let round = 0; round < 2; round++) {
      for (const name of names) scope[name] = () => void calls.push(name);
      results.push(dispatch(), baseline.restore().stuck, dispatch());
      results.push(scope.onerror === first, scope.onmessage, scope.onunhandledrejection);
    }
    scope.onerror = null;
    results.push(dispatch());
    baseline.restore();
    results.push(dispatch());
    return results;
  });
  const round = ["onerror onunhandledrejection onmessage", [], "first", true, null, null];
  assert.deepEqual(seen, [[null, null, null], ...round, ...round, "", "first"]);
});

Deno.test("Baseline.restoreHandlers() puts back who hears of errors, and nothing else", async () => {
  const seen = await inWorker(async ({ Baseline, scope, unwatched }) => {
    const calls: string[] = [];
    const note = (name: string) => () => void calls.push(name);
    const dispatch = () => {
      calls.length = 0;
      for (const type of ["error", "unhandledrejection", "message", "x"]) {
        dispatchEvent(new Event(type, { cancelable: true }));
      }
      return calls.join(" ");
    };
    const kept = note("kept");
    addEventListener("error", kept);
    const baseline = new Baseline();
    baseline.take();
    removeEventListener("error", kept);
    addEventListener("error", note("error"));
    addEventListener("unhandledrejection", note("rejection"));
    addEventListener("x", note("x"));
    scope.onerror = note("onerror");
    scope.onunhandledrejection = note("onrejection");
    scope.onmessage = note("onmessage");
    scope.leak = 1;
    const fired = Promise.withResolvers<void>();
    setTimeout(fired.resolve);
    const { stuck } = baseline.restoreHandlers();
    const after = dispatch();
    await fired.promise;
    const { leak } = scope;
    baseline.restore();
    await new Promise<void>((resolve) => unwatched.setTimeout(resolve));
    return [stuck, after, leak, dispatch()];
  });
  assert.deepEqual(seen, [[], "kept onmessage x", 1, "kept"]);
});

Deno.test("errors that nobody caught reach documents and handlers as without us", async () => {
  const seen = await inWorker(async ({ Baseline, scope }) => {
    const baseline = new Baseline();
    baseline.take();
    const heard = Promise.withResolvers<void>();
    const calls: string[] = [];
    scope.onerror = (message: string) => {
      calls.push(`onerror ${message}`);
      return true;
    };
    addEventListener("unhandledrejection", (event) => {
      event.preventDefault();
      calls.push(`rejection ${event.reason}`);
      heard.resolve();
    });
    reportError(new Error("one"));
    Promise.reject("two");
    await heard.promise;
    return calls;
  });
  assert.deepEqual(seen, ["onerror Uncaught Error: one", "rejection two"]);
});
