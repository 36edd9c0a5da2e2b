import assert from "node:assert/strict";
import { inWorker } from "./support.ts";

Deno.test("Baseline.restore() stops the timers that were started since", async () => {
  const seen = await inWorker(async ({ Baseline, unwatched }) => {
    const ran: string[] = [];
    const note = (name: string) => () => void ran.push(name);
    const later = () => new Promise<void>((resolve) => unwatched.setTimeout(resolve, 1));
    const baseline = new Baseline();
    // As a document does when it is loaded.
    const captured = setTimeout;
    const kept = Promise.withResolvers<void>();
    setTimeout(kept.resolve, 2);
    baseline.take();
    unwatched.setTimeout(note("unwatched"));
    setTimeout(note("timeout"), 0);
    captured(note("captured"), 0);
    globalThis.setTimeout(note("number"), 0)[Symbol.toPrimitive]();
    setInterval(note("interval"), 0);
    setImmediate(note("immediate"));
    const { stuck } = baseline.restore();
    setImmediate(note("after"));
    await later();
    await kept.promise;
    await new Promise<void>((resolve) => unwatched.setImmediate(resolve));
    return [stuck, ran.sort()];
  });
  assert.deepEqual(seen, [[], ["after", "unwatched"]]);
});

Deno.test("timers run, end and are told apart as without us", async () => {
  const seen = await inWorker(async ({ Baseline }) => {
    new Baseline().take();
    const ran: unknown[] = [];
    const last = Promise.withResolvers<void>();
    const cleared = [
      setTimeout(() => ran.push("cleared"), 0),
      +setTimeout(() => ran.push("cleared by number"), 0),
      setInterval(() => ran.push("cleared interval"), 0),
    ];
    for (const handle of cleared) clearTimeout(handle as number);
    setTimeout((...args: unknown[]) => ran.push(...args), 0, "one", "two");
    let ticks = 0;
    const interval = setInterval(() => {
      if (++ticks < 3) return;
      clearInterval(interval);
      last.resolve();
    }, 1);
    await last.promise;
    for (const start of [setTimeout, setInterval, setImmediate] as ((f: unknown) => unknown)[]) {
      try {
        start(1);
      } catch (error) {
        ran.push((error as { code: string }).code);
      }
    }
    return [ran, ticks];
  });
  const wrong = Array(3).fill("ERR_INVALID_ARG_TYPE");
  assert.deepEqual(seen, [["one", "two", ...wrong], 3]);
});

Deno.test("Baseline.restore() stops a timer that started again after it had ended", async () => {
  const seen = await inWorker(async ({ Baseline, unwatched }) => {
    const later = () => new Promise<void>((resolve) => unwatched.setTimeout(resolve, 1));
    let ran = 0;
    const timer = setTimeout(() => void ran++, 0) as unknown as { refresh(): unknown };
    const other = setTimeout(() => {}, 0) as unknown as { refresh(): unknown };
    await later();
    const baseline = new Baseline();
    baseline.take();
    const same = timer.refresh() === timer;
    baseline.restore();
    await later();
    const stopped = ran;
    return [same, stopped, other.refresh === timer.refresh];
  });
  assert.deepEqual(seen, [true, 1, true]);
});

Deno.test("Baseline.restore() lets a timer go on that a document refreshed while it ran", async () => {
  const seen = await inWorker(async ({ Baseline }) => {
    const ran = Promise.withResolvers<string>();
    const timer = setTimeout(() => ran.resolve("ran"), 1) as unknown as { refresh(): unknown };
    const baseline = new Baseline();
    baseline.take();
    timer.refresh();
    baseline.restore();
    return await ran.promise;
  });
  assert.equal(seen, "ran");
});

Deno.test("Baseline.restore() reports a timer that cannot be stopped, and stops the others", async () => {
  const seen = await inWorker(async ({ Baseline, unwatched }) => {
    const ran: string[] = [];
    const baseline = new Baseline();
    baseline.take();
    const broken = setTimeout(() => void ran.push("broken"), 0);
    Object.defineProperty(broken, Symbol.toPrimitive, {
      value: () => {
        throw new Error("no");
      },
    });
    setTimeout(() => void ran.push("other"), 0);
    const { stuck } = baseline.restore();
    await new Promise<void>((resolve) => unwatched.setTimeout(resolve, 1));
    return [stuck, ran, baseline.restore().stuck];
  });
  assert.deepEqual(seen, [["timer"], ["broken"], []]);
});

Deno.test("watched timers look as Deno's own", async () => {
  const body = () => {
    const scope = globalThis as unknown as Record<string, object>;
    return ["setTimeout", "setInterval", "setImmediate"].map((name) => {
      const { get, set, ...rest } = Object.getOwnPropertyDescriptor(scope, name)!;
      const own = Object.getOwnPropertyDescriptors(scope[name]!) as Record<string, unknown>;
      delete own.prototype;
      const keys = Reflect.ownKeys(own).map(String);
      const { length, name: called } = own;
      return [name, get!.name, get!.length, set!.name, rest, keys, length, called];
    });
  };
  const plain = await inWorker(Function(`return ({ scope }) => scope.plain;`)(), {
    before: Function(`return (scope) => { scope.plain = (${body})(); };`)(),
  });
  assert.deepEqual(await inWorker(body), plain);
});
