import assert from "node:assert/strict";
import { type Act, inWorker, type Tools } from "./support.ts";

Deno.test("Baseline.restore() removes globals that were added, by name, number and symbol", async () => {
  const seen = await inWorker(({ Baseline, scope }) => {
    const baseline = new Baseline();
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
    return [added, stuck, now.length === before.length && now.every((k, i) => k === before[i])];
  });
  assert.deepEqual(seen, [7, [], true]);
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
  "a getter that is shown, deleted and added as a value": (scope) => {
    delete scope.shownGetter;
    scope.shownGetter = 1;
  },
  "a getter that is shown, deleted and added as a value, and what stands behind it": (scope) => {
    delete scope.location;
    delete scope.navigator;
    scope.location = { href: "" };
    scope.navigator = {};
  },
  "what a symbol names, a getter, deleted and added as a value": (scope) => {
    delete scope[Symbol.for("getter")];
    scope[Symbol.for("getter")] = 1;
  },
  "what a symbol names, deleted, undefined as it is": (scope) =>
    void delete scope[Symbol.for("nothing")],
  "a value that is undefined and hidden, deleted": (scope) => void delete scope.hiddenNothing,
  "a trace, by Error.captureStackTrace": (scope) => Error.captureStackTrace(scope),
  "all that can be deleted": (scope) => {
    const { deleteProperty, ownKeys } = Reflect;
    // Deno keeps its own state under symbols.
    for (const key of ownKeys(scope)) if (typeof key === "string") deleteProperty(scope, key);
  },
  "the prototype": (scope) => void Object.setPrototypeOf(scope, {}),
  "a value that became read-only": (scope) =>
    void Object.defineProperty(scope, "structuredClone", { writable: false }),
  "a value that became shown": (scope) =>
    void Object.defineProperty(scope, "Array", { enumerable: true }),
  "a value that became a getter of it": (scope) => {
    const { structuredClone } = scope;
    Object.defineProperty(scope, "structuredClone", { get: () => structuredClone });
  },
  "another setter": (scope) => void Object.defineProperty(scope, "Headers", { set: () => {} }),
  "something hidden": (scope) =>
    void Object.defineProperty(scope, "hidden", { value: 1, configurable: true }),
  "something hidden, by Reflect": (scope) =>
    void Reflect.defineProperty(scope, "hidden", { value: 1, configurable: true }),
  "something hidden, among others": (scope) =>
    void Object.defineProperties(scope, { hidden: { value: 1, configurable: true } }),
  "something hidden, through a proxy": (scope) =>
    void Object.defineProperty(new Proxy(scope, {}), "hidden", { value: 1, configurable: true }),
  "something hidden, through a proxy that can be revoked": (scope) => {
    const { proxy } = Proxy.revocable(scope, {});
    Object.defineProperty(new Proxy(proxy, {}), "hidden", { value: 1, configurable: true });
  },
  "a getter, by __defineGetter__": (scope) =>
    void Reflect.apply(scope.__defineGetter__ as () => void, scope, ["location", () => 1]),
  "a setter, by __defineSetter__": (scope) =>
    void Reflect.apply(scope.__defineSetter__ as () => void, scope, ["location", () => {}]),
  "a getter that became a field": (scope) => {
    class Returns {
      constructor() {
        return scope;
      }
    }
    class Fields extends Returns {
      Headers = 1;
    }
    new Fields();
  },
};

/** Takes, acts, restores, acts again, restores again, and tells what is still different. */
function undo({ Baseline, scope, act }: Tools) {
  const { getOwnPropertyDescriptor, getPrototypeOf, ownKeys } = Reflect;
  const { is } = Object;
  scope.nothing = NaN;
  scope[Symbol.for("nothing")] = undefined;
  Object.defineProperty(scope, Symbol.for("getter"), { get: () => 1, configurable: true });
  Object.defineProperty(scope, "hiddenNothing", { writable: true, configurable: true });
  Object.defineProperty(scope, "shownGetter", {
    get: () => 1,
    enumerable: true,
    configurable: true,
  });
  const read = () =>
    new Map(ownKeys(scope).map((key) => [key, getOwnPropertyDescriptor(scope, key)!]));
  const baseline = new Baseline();
  baseline.take();
  // What is restored often is looked at by compiled code.
  for (let times = 0; times < 20_000; times++) baseline.restore();
  const before = read();
  const prototype = getPrototypeOf(scope);
  // What was put back once stands elsewhere.
  act(scope);
  baseline.restore();
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
    assert.deepEqual(await inWorker(undo, { act }), CLEAN);
  });
}

Deno.test("Baseline.restore() reports what cannot be put back, each time, and does the rest", async () => {
  const { stuck, different } = await inWorker(undo, {
    act: (scope) => {
      scope.leak = 1;
      Object.defineProperty(scope, "fixed", { value: 1 });
      Object.defineProperty(scope, Symbol.for("fixed"), { value: 1 });
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
  const { stuck } = await inWorker(undo, { act: (scope) => void Object.freeze(scope) });
  assert.ok(stuck[0]!.includes("[[Extensible]]") && stuck[0]!.includes("Array"), String(stuck[0]));
  assert.deepEqual(stuck[1], stuck[0]);
});

Deno.test("Baseline.restore() looks at attributes only after something was noted, and once", async () => {
  const seen = await inWorker(({ Baseline, scope }) => {
    const look = scope.look as { closely: number };
    scope[Symbol.for("known")] = 1;
    scope[Symbol.for("known too")] = 1;
    scope.stack = [];
    const baseline = new Baseline();
    baseline.take();
    const restore = () => {
      look.closely = 0;
      baseline.restore();
      return look.closely > 0;
    };
    const acts: Record<string, () => void> = {
      nothing: () => {},
      "a name": () => void (scope.leak = 1),
      "a symbol": () => void (scope[Symbol.for("leak")] = 1),
      "a value": () => void (scope.structuredClone = 1),
      "a deleted value": () => void delete scope.structuredClone,
      "a deleted symbol": () => void delete scope[Symbol.for("known")],
      "a setter": () => void (scope.Headers = 1),
      "a definition": () =>
        void Object.defineProperty(scope, "leak", { value: 1, configurable: true }),
      "definitions of others": () => {
        Object.defineProperty({}, "leak", { value: 1 });
        Object.defineProperties({}, { leak: { value: 1 } });
        Reflect.defineProperty({}, "leak", { value: 1 });
        Reflect.apply(scope.__defineGetter__ as () => void, {}, ["leak", () => 1]);
        new Proxy({}, {});
        Proxy.revocable({}, {});
      },
      "a handler": () => void (scope.onerror = () => {}),
      "a proxy": () => void new Proxy(scope, {}),
    };
    return Object.entries(acts).map(([name, act]) => {
      act();
      return [name, restore(), restore()];
    });
  }, {
    before: (scope) => {
      const { getOwnPropertyDescriptor } = Reflect;
      const look = scope.look = { closely: 0 };
      Reflect.getOwnPropertyDescriptor = (...args) => {
        look.closely++;
        return getOwnPropertyDescriptor(...args);
      };
    },
  });
  assert.deepEqual(seen, [
    ["nothing", false, false],
    ["a name", true, false],
    ["a symbol", true, false],
    ["a value", true, false],
    ["a deleted value", true, false],
    ["a deleted symbol", true, false],
    ["a setter", true, false],
    ["a definition", true, false],
    ["definitions of others", false, false],
    ["a handler", false, false],
    // Whatever is done through it goes unnoted.
    ["a proxy", true, true],
  ]);
});

Deno.test("Baseline never reads a getter that was there", async () => {
  const read = await inWorker(({ Baseline, scope }) => {
    const baseline = new Baseline();
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
    const baseline = new Baseline();
    baseline.take();
    (scope.shared as { count: number }).count++;
    Object.assign(Array.prototype, { leak: 1 });
    Object.assign(Deno, { leak: 1 });
    const { stuck } = baseline.restore();
    return [stuck, scope.shared, Reflect.get(Array.prototype, "leak"), Reflect.get(Deno, "leak")];
  });
  assert.deepEqual(seen, [[], { count: 1 }, 1, 1]);
});
