import assert from "node:assert/strict";
import { inWorker } from "./support.ts";

/** What a document can see of the functions that are watched, and of what they do. */
const look = () => {
  const scope = globalThis as unknown as Record<string, unknown>;
  const describe = (holder: object, name: string) => {
    const { value, get, set, ...rest } = Object.getOwnPropertyDescriptor(holder, name)!;
    const fn = (value ?? set) as { name: string; length: number };
    return [name, typeof get, fn.name, fn.length, Reflect.ownKeys(fn).map(String), rest];
  };
  const thrown = (run: () => unknown) => {
    try {
      return [typeof run()];
    } catch (error) {
      return [(error as Error).name, (error as Error).message];
    }
  };
  const NativeLike = Proxy as unknown as { (): unknown; prototype: unknown };
  const target: Record<string, unknown> = {};
  const revocable = Proxy.revocable(target, { get: () => "trapped" });
  const iterate = Array.prototype[Symbol.iterator];
  const withoutIteration = (run: () => unknown) => {
    Reflect.deleteProperty(Array.prototype, Symbol.iterator);
    const result = thrown(run);
    Array.prototype[Symbol.iterator] = iterate;
    return result;
  };
  return {
    looks: [
      describe(Object, "defineProperty"),
      describe(Object, "defineProperties"),
      describe(Reflect, "defineProperty"),
      describe(Object.prototype, "__defineGetter__"),
      describe(Object.prototype, "__defineSetter__"),
      describe(globalThis, "Proxy"),
      describe(Proxy, "revocable"),
      describe(globalThis, "Headers"),
      describe(globalThis, "crypto"),
      describe(globalThis, "onerror"),
    ],
    does: [
      Object.defineProperty(target, "a", { value: 1 }) === target,
      Object.defineProperties(target, { b: { value: 2 } }) === target,
      Reflect.defineProperty(target, "c", { value: 3 }),
      Reflect.defineProperty(target, "c", { value: 4 }),
      [target.a, target.b, target.c],
      (revocable.proxy as Record<string, unknown>).anything,
      Object.keys(new Proxy({ key: 1 }, {})),
      NativeLike.prototype,
      withoutIteration(() => new Proxy({}, {})),
      withoutIteration(() => Object.defineProperty({}, "a", {})),
    ],
    throws: [
      thrown(() => NativeLike()),
      thrown(() => new Proxy(1 as unknown as object, {})),
      thrown(() => Object.defineProperty(1 as unknown as object, "a", {})),
      thrown(() => new (class extends (Proxy as unknown as new () => object) {})()),
      thrown(() => target instanceof Proxy),
      thrown(() => new (Object.defineProperty as unknown as new () => object)()),
    ].map(([name]) => name),
    globals: (() => {
      const Before = scope.Headers;
      scope.Headers = 1;
      const set = scope.Headers;
      scope.Headers = Before;
      return [set, typeof scope.Headers];
    })(),
  };
};

Deno.test("watched definitions behave and look as Deno's own", async () => {
  const plain = await inWorker<unknown>(Function(`return ({ scope }) => scope.plain;`)(), {
    before: Function(`return (scope) => { scope.plain = (${look})(); };`)(),
  });
  assert.deepEqual(await inWorker(look), plain);
});
