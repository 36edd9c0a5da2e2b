/**
 * The own properties of a worker's `globalThis` at one moment, and the way back to them.
 *
 * Every restore looks quickly: for other names among those that are shown, for other values, for what
 * was deleted. Only where a definition was noted, it looks at every attribute of every property.
 *
 * Many of Deno's globals are getters that load a module when they are read. No getter that stood there
 * at that moment is ever called. What a property's value holds is not looked at.
 *
 * @module
 */

import { definitions } from "./definitions.ts";

/** Whether properties are there and hold these values. */
type Check = (scope: unknown, values: readonly unknown[], is: typeof Object.is) => boolean;

const { apply, defineProperty, deleteProperty, getOwnPropertyDescriptor, ownKeys } = Reflect;
const { getPrototypeOf, isExtensible, setPrototypeOf } = Reflect;
const { getOwnPropertySymbols, is, keys: shownKeys } = Object;
const { stringify } = JSON;
const lookupGetter: (key: PropertyKey) => unknown = Reflect.get(
  Object.prototype,
  "__lookupGetter__",
);
const compile = Function;
const text = String;
const scope = globalThis as unknown as Record<PropertyKey, unknown>;
/** The last check, which serves again as long as the names are the same. */
let lastCheck: { source: string; check: Check } | undefined;

/** What `globalThis` was. */
export class GlobalState {
  readonly #properties = new Map<PropertyKey, PropertyDescriptor>();
  readonly #prototype = getPrototypeOf(scope);
  readonly #isExtensible = isExtensible(scope);
  readonly #values: unknown[] = [];
  readonly #holds: Check;
  /** In the order in which they stand now, which a property that was deleted changes. */
  #shown: readonly string[] = [];
  /** The getters behind all values: one that is deleted and added as a value stands where it stood. */
  #lastGetters: readonly string[] = [];
  #symbols: readonly symbol[] = [];
  #definitions = 0;
  /** Whether something could not be put back, which a quick look may miss. */
  #isStuck = false;

  /** Remembers what is there now. */
  constructor() {
    const terms: string[] = [];
    for (const key of ownKeys(scope)) {
      const descriptor = getOwnPropertyDescriptor(scope, key)!;
      this.#properties.set(key, descriptor);
      if (typeof key === "symbol") continue;
      const name = stringify(key);
      // What is not there has no value either.
      if (descriptor.value === undefined) terms.push(`${name} in scope`);
      if ("value" in descriptor && (descriptor.writable || descriptor.configurable)) {
        const at = this.#values.push(descriptor.value) - 1;
        terms.push(`is(scope[${name}], values[${at}])`);
      }
    }
    // Nobody notes that `Error.captureStackTrace` adds it, hidden.
    if (!this.#properties.has("stack")) terms.push(`!("stack" in scope)`);
    this.#holds = makeCheck(terms);
    this.#glance();
  }

  /**
   * Puts back what has changed.
   *
   * @returns The names of what could not be put back.
   */
  restore(): string[] {
    if (this.#isUnchanged()) return [];
    const stuck = this.#putBack();
    this.#isStuck = stuck.length > 0;
    this.#glance();
    return stuck;
  }

  /** Remembers what a quick look compares and a restore may change. */
  #glance(): void {
    const shown = shownKeys(scope);
    let end = shown.length;
    while (end > 0 && this.#properties.get(shown[end - 1]!)?.get !== undefined) end--;
    this.#shown = shown;
    this.#lastGetters = shown.slice(end);
    this.#symbols = getOwnPropertySymbols(scope);
    this.#definitions = definitions();
  }

  #isUnchanged(): boolean {
    if (this.#isStuck || this.#definitions !== definitions()) return false;
    if (getPrototypeOf(scope) !== this.#prototype) return false;
    if (isExtensible(scope) !== this.#isExtensible) return false;
    if (!isSame(shownKeys(scope), this.#shown)) return false;
    if (!isSame(getOwnPropertySymbols(scope), this.#symbols)) return false;
    for (const key of this.#lastGetters) if (!this.#hasGetter(key)) return false;
    for (const symbol of this.#symbols) {
      const before = this.#properties.get(symbol)!;
      const holds = "value" in before ? is(scope[symbol], before.value) : this.#hasGetter(symbol);
      if (!holds) return false;
    }
    return this.#holds(scope, this.#values, is);
  }

  /** Asks for the getter and does not call it. */
  #hasGetter(key: PropertyKey): boolean {
    return apply(lookupGetter, scope, [key]) === this.#properties.get(key)!.get;
  }

  #putBack(): string[] {
    const stuck: string[] = [];
    for (const key of ownKeys(scope)) {
      if (this.#properties.has(key)) continue;
      if (!deleteProperty(scope, key)) stuck.push(text(key));
    }
    for (const [key, before] of this.#properties) {
      if (isAsItWas(key, before) || defineProperty(scope, key, before)) continue;
      stuck.push(text(key));
      // The value may still be free when the attributes are not.
      if ("value" in before) defineProperty(scope, key, { value: before.value });
    }
    if (!setPrototypeOf(scope, this.#prototype)) stuck.push("[[Prototype]]");
    if (isExtensible(scope) !== this.#isExtensible) stuck.push("[[Extensible]]");
    return stuck;
  }
}

function isSame(keys: readonly PropertyKey[], before: readonly PropertyKey[]): boolean {
  if (keys.length !== before.length) return false;
  for (let index = 0; index < keys.length; index++) {
    if (keys[index] !== before[index]) return false;
  }
  return true;
}

function isAsItWas(key: PropertyKey, before: PropertyDescriptor): boolean {
  const now = getOwnPropertyDescriptor(scope, key);
  return now !== undefined && is(now.value, before.value) &&
    now.get === before.get && now.set === before.set && now.writable === before.writable &&
    now.enumerable === before.enumerable && now.configurable === before.configurable;
}

/**
 * Writes a function that asks for every property by a name that it knows.
 *
 * The engine looks such names up once, and takes a small part of the time that a loop over them takes.
 */
function makeCheck(terms: readonly string[]): Check {
  const source = `return ${["true", ...terms].join(" && ")};`;
  if (lastCheck?.source !== source) {
    lastCheck = { source, check: compile("scope", "values", "is", source) as Check };
  }
  return lastCheck.check;
}
