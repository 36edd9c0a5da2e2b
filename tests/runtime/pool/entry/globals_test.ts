import assert from "node:assert/strict";
import type { Depth } from "../../../../runtime/pool/entry/baseline.ts";
import { type Act, inWorker, type Tools } from "./support.ts";

Deno.test("Baseline.restore() removes globals that were added, by name, number and symbol", async () => {
  const seen = await inWorker(({ Baseline, scope }) => {
    const results = [];
    for (const depth of ["names", "values", "attributes"] as const) {
      const baseline = new Baseline({ depth });
      baseline.take();
      const before = Reflect.ownKeys(scope);
      const symbol = Symbol("leak");
      scope.leak = 1;
      scope[7] = 1;
      scope[symbol] = 1;
      Object.defineProperty(scope, "hidden", { value: 1, configurable: true });
      Object.defineProperty(scope, "getter", { get: () => 1, configurable: true });
      (0, eval)("var declared = 1; function named() {}");
      const added = Reflect.ownKeys(scope).length - before.length;
      const { stuck } = baseline.restore();
      const now = Reflect.ownKeys(scope);
      results.push([
        added,
        stuck,
        now.length === before.length && now.every((k, i) => k === before[i]),
      ]);
    }
    return results;
  });
  assert.deepEqual(seen, Array(3).fill([7, [], true]));
});

/** Everything a document may do to a global. */
const CHANGES: Record<string, Act> = {
  "a value": (scope) => void (scope.structuredClone = 1),
  "a value, undefined": (scope) => void (scope.structuredClone = undefined),
  "a value, deleted": (scope) => void delete scope.structuredClone,
  "a value, deleted and added again": (scope) => {
    const { structuredClone } = scope;
    delete scope.structuredClone;
    scope.structuredClone = structuredClone;
  },
  "a value, read-only": (scope) =>
    void Object.defineProperty(scope, "structuredClone", { value: 1, writable: false }),
  "a value that became a getter": (scope) =>
    void Object.defineProperty(scope, "structuredClone", { get: () => 1 }),
  "a value that became a getter that throws": (scope) => {
    const get = () => {
      throw new Error("no");
    };
    Object.defineProperty(scope, "structuredClone", { get });
  },
  "a getter, by assignment": (scope) => void (scope.Headers = 1),
  "a getter, deleted": (scope) => void delete scope.Headers,
  "a getter that became a value": (scope) =>
    void Object.defineProperty(scope, "Headers", { value: 1 }),
  "another getter": (scope) => void Object.defineProperty(scope, "Headers", { get: () => 1 }),
  "a timer, by assignment": (scope) => void (scope.setTimeout = 1),
  "a handler's property": (scope) => void Object.defineProperty(scope, "onerror", { value: 1 }),
  "what a symbol names": (scope) => void (scope[Object.getOwnPropertySymbols(scope)[1]!] = 1),
  "a value that is not a number": (scope) => void (scope.nothing = 0),
  "all that can be deleted": (scope) => {
    const { deleteProperty, ownKeys } = Reflect;
    // Deno keeps its own state under symbols.
    for (const key of ownKeys(scope)) if (typeof key === "string") deleteProperty(scope, key);
  },
  "the prototype": (scope) => void Object.setPrototypeOf(scope, {}),
};

/** What only a look at attributes finds. */
const ATTRIBUTES: Record<string, Act> = {
  "read-only": (scope) => void Object.defineProperty(scope, "structuredClone", { writable: false }),
  "shown": (scope) => void Object.defineProperty(scope, "Array", { enumerable: true }),
  "a getter of the same value": (scope) => {
    const { structuredClone } = scope;
    Object.defineProperty(scope, "structuredClone", { get: () => structuredClone });
  },
  "another setter": (scope) => void Object.defineProperty(scope, "Headers", { set: () => {} }),
};

/** Takes, acts, restores, and tells what is still different. */
function undo({ Baseline, scope, act }: Tools, depth: Depth) {
  const { getOwnPropertyDescriptor, getPrototypeOf, ownKeys } = Reflect;
  const { is } = Object;
  scope.nothing = NaN;
  const read = () =>
    new Map(ownKeys(scope).map((key) => [key, getOwnPropertyDescriptor(scope, key)!]));
  const baseline = new Baseline({ depth });
  baseline.take();
  const before = read();
  const prototype = getPrototypeOf(scope);
  act(scope);
  const stuck = [baseline.restore().stuck, baseline.restore().stuck];
  const after = read();
  const different = [...new Set([...before.keys(), ...after.keys()])].filter((key) => {
    const [a, b] = [before.get(key), after.get(key)];
    if (a === undefined || b === undefined) return true;
    return (["value", "get", "set", "writable", "enumerable", "configurable"] as const)
      .some((name) => !is(a[name], b[name]));
  });
  return {
    stuck,
    different: different.map(String),
    prototype: getPrototypeOf(scope) === prototype,
  };
}

const CLEAN = { stuck: [[], []], different: [], prototype: true };

for (const [name, act] of Object.entries(CHANGES)) {
  Deno.test(`Baseline.restore() puts back ${name}`, async () => {
    assert.deepEqual(await inWorker(bodyOf("values"), { act }), CLEAN);
  });
}

for (const [name, act] of Object.entries(ATTRIBUTES)) {
  Deno.test(`Baseline.restore() puts back what became ${name}, when it looks at attributes`, async () => {
    assert.deepEqual(await inWorker(bodyOf("attributes"), { act }), CLEAN);
  });
}

Deno.test("Baseline.restore() reports what cannot be put back, each time, and does the rest", async () => {
  const { stuck, different } = await inWorker(bodyOf("values"), {
    act: (scope) => {
      scope.leak = 1;
      Object.defineProperty(scope, "fixed", { value: 1 });
      Object.defineProperty(scope, Symbol("fixed"), { value: 1 });
      Object.defineProperty(scope, "structuredClone", { value: 1, configurable: false });
      Object.defineProperty(scope, "Headers", { value: 1, writable: false, configurable: false });
      scope.escape = 1;
    },
  });
  const names = ["fixed", "Symbol(fixed)", "Headers", "structuredClone"];
  assert.deepEqual(stuck, [names, names]);
  assert.deepEqual(different.sort(), [...names].sort());
});

Deno.test("Baseline.restore() puts a value back where only the attributes are stuck", async () => {
  const seen = await inWorker(({ Baseline, scope }) => {
    const { structuredClone } = scope;
    const baseline = new Baseline();
    baseline.take();
    Object.defineProperty(scope, "structuredClone", { value: 1, configurable: false });
    const first = baseline.restore().stuck;
    const isBack = scope.structuredClone === structuredClone;
    return [first, isBack, baseline.restore().stuck];
  });
  assert.deepEqual(seen, [["structuredClone"], true, ["structuredClone"]]);
});

Deno.test("Baseline.restore() reports a frozen globalThis", async () => {
  const { stuck } = await inWorker(bodyOf("values"), { act: (scope) => void Object.freeze(scope) });
  assert.ok(stuck[0]!.includes("[[Extensible]]") && stuck[0]!.includes("Array"), String(stuck[0]));
  assert.deepEqual(stuck[1], stuck[0]);
});

Deno.test("Baseline never reads a getter that was there", async () => {
  const read = await inWorker(({ Baseline, scope }) => {
    for (const depth of ["names", "values", "attributes"] as const) {
      const baseline = new Baseline({ depth });
      baseline.take();
      baseline.restore();
      scope.leak = 1;
      scope.Headers = 1;
      scope.setTimeout = 1;
      scope.escape = 1;
      baseline.restore();
      delete scope.Headers;
      baseline.restore();
      baseline.restoreHandlers();
    }
    const before = [...scope.read as string[]];
    void scope.Headers;
    void scope.setTimeout;
    return [before, scope.read];
  }, {
    before: (scope) => {
      const read: string[] = scope.read = [];
      for (const key of Object.getOwnPropertyNames(scope)) {
        const descriptor = Object.getOwnPropertyDescriptor(scope, key)!;
        const { get } = descriptor;
        if (get === undefined || key.startsWith("on")) continue;
        descriptor.get = function () {
          read.push(key);
          return Reflect.apply(get, this, []);
        };
        Object.defineProperty(scope, key, descriptor);
      }
    },
  });
  assert.deepEqual(read[0], []);
  assert.deepEqual((read[1] as string[]).slice(0, 2), ["Headers", "setTimeout"]);
});

Deno.test("Baseline.restore() leaves what globals hold, and the prototypes of built-ins", async () => {
  const seen = await inWorker(({ Baseline, scope }) => {
    scope.shared = { count: 0 };
    const baseline = new Baseline({ depth: "attributes" });
    baseline.take();
    (scope.shared as { count: number }).count++;
    Object.assign(Array.prototype, { leak: 1 });
    Object.assign(Deno, { leak: 1 });
    const { stuck } = baseline.restore();
    return [stuck, scope.shared, Reflect.get(Array.prototype, "leak"), Reflect.get(Deno, "leak")];
  });
  assert.deepEqual(seen, [[], { count: 1 }, 1, 1]);
});

/** A worker gets its functions as text. */
function bodyOf(depth: Depth): (tools: Tools) => ReturnType<typeof undo> {
  return Function(`return (tools) => (${undo})(tools, ${JSON.stringify(depth)});`)();
}
