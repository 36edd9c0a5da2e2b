/**
 * Notes what can become of `globalThis` unseen by a quick look at it: a definition can hide what it adds, and
 * an assignment to one of Deno's getters makes a value of it.
 *
 * It takes effect when it is loaded. Not noted is what another realm's functions define, as those of
 * `node:vm` can.
 *
 * @module
 */

import { disguise } from "./disguise.ts";
import "./handlers.ts";
import "./timers.ts";

type Method = (...args: unknown[]) => unknown;

const scope: unknown = globalThis;
const { apply, defineProperty, getOwnPropertyDescriptor, ownKeys } = Reflect;
const NativeProxy = Proxy;
let noted = 0;
let isProxied = false;

watchFirstArgument(Object, "defineProperty");
watchFirstArgument(Object, "defineProperties");
watchFirstArgument(Reflect, "defineProperty");
watchThis(Object.prototype, "__defineGetter__");
watchThis(Object.prototype, "__defineSetter__");
watchProxies();
watchSetters();

/** Another number once something was noted; `NaN`, which equals nothing, once a proxy keeps things from being noted. */
export function definitions(): number {
  return isProxied ? NaN : noted;
}

function watchFirstArgument(holder: object, name: string): void {
  replace(holder, name, (original) => (...args) => {
    if (args[0] === scope) noted++;
    return apply(original, holder, args);
  });
}

function watchThis(holder: object, name: string): void {
  replace(holder, name, (original) =>
    ({
      method(this: unknown, ...args: unknown[]): unknown {
        if (this === scope) noted++;
        return apply(original, this, args);
      },
    }).method);
}

/** What is done to a proxy does not show whom it concerns. */
function watchProxies(): void {
  replace(NativeProxy, "revocable", (original) => (...args) => {
    isProxied ||= args[0] === scope;
    return apply(original, NativeProxy, args);
  });
  const construct = function (target: object, handler: ProxyHandler<object>): object {
    if (new.target === undefined) {
      return apply(NativeProxy as unknown as Method, undefined, []) as object;
    }
    isProxied ||= target === scope;
    return new NativeProxy(target, handler);
  };
  // What is bound shows no prototype, and this one is for `instanceof`: nothing is an instance of it.
  construct.prototype = undefined;
  replace(globalThis, "Proxy", () => construct.bind(undefined) as Method);
}

function watchSetters(): void {
  for (const key of ownKeys(globalThis)) {
    const descriptor = getOwnPropertyDescriptor(globalThis, key)!;
    const { set } = descriptor;
    // Those of event handlers are looked at one by one.
    if (set === undefined || (typeof key === "string" && key.startsWith("on"))) continue;
    const watched = {
      set(this: unknown, value: unknown): void {
        noted++;
        apply(set, this, [value]);
      },
    };
    defineProperty(globalThis, key, { ...descriptor, set: disguise(watched.set, set) });
  }
}

function replace(holder: object, name: string, make: (original: Method) => Method): void {
  const descriptor = getOwnPropertyDescriptor(holder, name)!;
  const original = descriptor.value as Method;
  defineProperty(holder, name, { ...descriptor, value: disguise(make(original), original) });
}
