/**
 * Everything that a document can leave behind in its worker, and how a later request would see it.
 *
 * @module
 */

import { resources } from "../../../mod.ts";
import { KEPT, OF_REQUEST } from "./stains_kept.ts";
import type { Kit } from "./trace.ts";

interface Stain {
  leave(kit: Kit): unknown;
  sees(kit: Kit): unknown;
}

type Loose = Record<PropertyKey, unknown>;

const scope = globalThis as unknown as Loose;
const SYMBOL = Symbol("stain");
const LATE = { ctor: () => ({}) };
const { Map: OwnMap, fetch: ownFetch, console: ownConsole, setTimeout: later } = globalThis;
const prototype = Object.getPrototypeOf(globalThis);
let touched = false;
const heard = new Set<string>();
const ticks = { timeout: 0, interval: 0 };
let before = ticks;
const ran = { shutdown: 0, postSend: 0, cleanup: 0 };

const STAINS: Record<string, Stain> = {
  "global of a string": {
    leave: () => scope.stained = 1,
    sees: () => "stained" in globalThis,
  },
  "global of a symbol": {
    leave: () => scope[SYMBOL] = 1,
    sees: () => SYMBOL in globalThis,
  },
  "global by var": {
    leave: () => (0, eval)("var stainedByVar = 1; function stainedByFunction() {}"),
    sees: () => "stainedByVar" in globalThis || "stainedByFunction" in globalThis,
  },
  "hidden global": {
    leave: () =>
      Object.defineProperty(globalThis, "hidden", {
        value: 1,
        enumerable: false,
        configurable: true,
      }),
    sees: () => "hidden" in globalThis,
  },
  "replaced fetch": {
    leave: () => scope.fetch = () => Promise.reject(new Error("stained")),
    sees: () => globalThis.fetch !== ownFetch,
  },
  "replaced setTimeout": {
    leave: () => scope.setTimeout = (...args: Parameters<typeof later>) => later(...args),
    sees: () => globalThis.setTimeout !== later,
  },
  "replaced console": {
    leave: () => scope.console = { ...ownConsole },
    sees: () => globalThis.console !== ownConsole,
  },
  "replaced Map": {
    leave: () => scope.Map = class extends OwnMap {},
    sees: () => globalThis.Map !== OwnMap,
  },
  "deleted global": {
    leave: () => delete scope.CompressionStream,
    sees: () => !("CompressionStream" in globalThis),
  },
  "global made an accessor": {
    leave: () => Object.defineProperty(globalThis, "Array", { get: () => [].constructor }),
    sees: () => Object.getOwnPropertyDescriptor(globalThis, "Array")!.get !== undefined,
  },
  "prototype of globalThis": {
    leave: () => Object.setPrototypeOf(globalThis, Object.create(prototype)),
    sees: () => Object.getPrototypeOf(globalThis) !== prototype,
  },
  ...listenerTo("error"),
  ...listenerTo("unhandledrejection"),
  ...listenerTo("message"),
  ...listenerTo("custom"),
  "onerror": {
    leave: () => globalThis.onerror = () => true,
    sees: () => globalThis.onerror !== null,
  },
  "onunhandledrejection": {
    leave: () => globalThis.onunhandledrejection = (event) => event.preventDefault(),
    sees: () => globalThis.onunhandledrejection !== null,
  },
  "timeout": {
    leave: tick,
    sees: () => ticks.timeout > before.timeout,
  },
  "interval": {
    leave: () => setInterval(() => ticks.interval++, 10),
    sees: () => ticks.interval > before.interval,
  },
  "session.locals": {
    leave: ({ session: { locals } }) => locals.stained = locals.init = 1,
    sees: ({ session: { locals } }) => "stained" in locals || locals.init === 1,
  },
  "property of a thread resource": {
    leave: () => resources.resource<Loose>(KEPT.object).stained = 1,
    sees: () => "stained" in resources.resource<Loose>(KEPT.object),
  },
  "entry of a Map resource": {
    leave: () => resources.resource<Map<string, number>>(KEPT.map).set("stained", 1),
    sees: () => resources.resource<Map<string, number>>(KEPT.map).size > 0,
  },
  "value of a Set resource": {
    leave: () => resources.resource<Set<string>>(KEPT.set).add("stained"),
    sees: () => resources.resource<Set<string>>(KEPT.set).size > 0,
  },
  "element of a typed array resource": {
    leave: () => resources.resource<Uint8Array>(KEPT.bytes)[1] = 1,
    sees: () => resources.resource<Uint8Array>(KEPT.bytes)[1] !== 0,
  },
  "thread resource registered late": {
    leave: () => late().stained = 1,
    sees: () => "stained" in late(),
  },
  "request resource": {
    leave: () => resources.resource<Loose>(OF_REQUEST).stained = 1,
    sees: () => "stained" in resources.resource<Loose>(OF_REQUEST),
  },
  "shutdown function": {
    leave: ({ onShutdown }) => onShutdown(() => ran.shutdown++),
    sees: () => ran.shutdown > 1,
  },
  "post-send function": {
    leave: ({ onPostSend }) => onPostSend(() => ran.postSend++),
    sees: () => ran.postSend > 1,
  },
  "cleanup function": {
    leave: ({ onCleanup }) => onCleanup(() => ran.cleanup++),
    sees: () => ran.cleanup > 1,
  },
  "variable of the request": {
    leave: ({ variables }) => variables?.set("stained", 1),
    sees: ({ variables }) => variables?.get("stained") !== undefined,
  },
  "near copy": {
    leave: async ({ store }) => {
      await store.set("near", { list: [1] });
      for (let times = 0; times < 2; times++) {
        const copy = await store.get<{ list: number[] }>("near");
        try {
          copy!.list.push(2);
        } catch {
          // Frozen is as good.
        }
      }
    },
    sees: async ({ store }) => (await store.get<{ list: number[] }>("near"))!.list.length !== 1,
  },
  "module variable": {
    leave: () => touched = true,
    sees: () => touched,
  },
  "Array.prototype": hiddenOn(Array.prototype),
  "Object.prototype": hiddenOn(Object.prototype),
  "Promise": hiddenOn(Promise),
  "property of console": hiddenOn(ownConsole),
};

/** Leaves everything. */
export async function stain(kit: Kit): Promise<void> {
  for (const { leave } of Object.values(STAINS)) await leave(kit);
}

/** Names what is still there; timers that still run show after a while. */
export async function report(kit: Kit, ms: number): Promise<string[]> {
  before = { ...ticks };
  if (ms > 0) await new Promise((resolve) => later(resolve, ms));
  const seen: string[] = [];
  for (const [name, { sees }] of Object.entries(STAINS)) if (await sees(kit)) seen.push(name);
  return seen;
}

/** A chain of timeouts, which nobody ends. */
function tick(): void {
  ticks.timeout++;
  later(tick, 10);
}

function listenerTo(type: string): Record<string, Stain> {
  const name = `listener of ${type}`;
  return {
    [name]: {
      leave: () => addEventListener(type, () => void heard.add(type)),
      sees: () => {
        heard.delete(type);
        dispatchEvent(new MessageEvent(type, { data: null, cancelable: true }));
        return heard.has(type);
      },
    },
  };
}

function hiddenOn(target: object): Stain {
  return {
    leave: () => Object.defineProperty(target, "marked", { value: 1, configurable: true }),
    sees: () => Object.hasOwn(target, "marked"),
  };
}

function late(): Loose {
  return resources.resource<Loose>(resources.allocateId("stains.late", LATE));
}
