/**
 * The own properties of a worker's `globalThis` at one moment, and the way back to them.
 *
 * Many of Deno's globals are getters that load a module when they are read. No getter that stood there
 * at that moment is ever called: it is only compared. What a property's value holds is not looked at.
 *
 * @module
 */

/** How closely to look for changes; each finds what the one before does, for more time. */
export type Depth = "names" | "values" | "attributes";

/** Whether data properties hold these values. */
type Check = (scope: unknown, values: readonly unknown[], is: typeof Object.is) => boolean;

const { apply, defineProperty, deleteProperty, getOwnPropertyDescriptor, ownKeys } = Reflect;
const { getPrototypeOf, isExtensible, setPrototypeOf } = Reflect;
const { is } = Object;
const { stringify } = JSON;
const lookupGetter: (key: PropertyKey) => unknown = Reflect.get(
  Object.prototype,
  "__lookupGetter__",
);
const compile = Function;
const text = String;
const scope = globalThis;
/** The last check, which serves again as long as the names are the same. */
let lastCheck: { source: string; check: Check } | undefined;

/** What `globalThis` was. */
export class GlobalState {
  readonly #depth: Depth;
  readonly #properties = new Map<PropertyKey, PropertyDescriptor>();
  readonly #prototype = getPrototypeOf(scope);
  readonly #isExtensible = isExtensible(scope);
  readonly #getterKeys: PropertyKey[] = [];
  readonly #getters: unknown[] = [];
  readonly #values: unknown[] = [];
  readonly #holds: Check;
  /** In the order in which they stand now, which a property that was deleted changes. */
  #keys = ownKeys(scope);
  /** Whether something could not be put back, which a quick look may miss. */
  #isStuck = false;

  /** Remembers what is there now. */
  constructor(depth: Depth) {
    this.#depth = depth;
    const valueKeys: PropertyKey[] = [];
    for (const key of this.#keys) {
      const descriptor = getOwnPropertyDescriptor(scope, key)!;
      this.#properties.set(key, descriptor);
      if (!("value" in descriptor)) {
        this.#getterKeys.push(key);
        this.#getters.push(descriptor.get);
      } else if (descriptor.writable || descriptor.configurable) {
        valueKeys.push(key);
        this.#values.push(descriptor.value);
      }
    }
    this.#holds = makeCheck(valueKeys);
  }

  /**
   * Puts back what has changed.
   *
   * @returns The names of what could not be put back.
   */
  restore(): string[] {
    if (!this.#isStuck && this.#removeAdded() && this.#isUnchanged()) return [];
    const stuck = this.#putBack();
    this.#isStuck = stuck.length > 0;
    if (!this.#isStuck) this.#keys = ownKeys(scope);
    return stuck;
  }

  /** Tells whether that was all there was to do about names. */
  #removeAdded(): boolean {
    const before = this.#keys;
    let next = 0;
    for (const key of ownKeys(scope)) {
      if (key === before[next]) next++;
      else if (this.#properties.has(key) || !deleteProperty(scope, key)) return false;
    }
    return next === before.length;
  }

  #isUnchanged(): boolean {
    if (this.#depth === "names") return true;
    if (getPrototypeOf(scope) !== this.#prototype) return false;
    if (isExtensible(scope) !== this.#isExtensible) return false;
    if (this.#depth === "values") return this.#hasGetters() && this.#hasValues();
    for (const [key, before] of this.#properties) {
      if (!isAsItWas(key, before)) return false;
    }
    return true;
  }

  /** Asks only for the getter: a descriptor takes twice the time. */
  #hasGetters(): boolean {
    const keys = this.#getterKeys;
    const getters = this.#getters;
    for (let index = 0; index < keys.length; index++) {
      if (apply(lookupGetter, scope, [keys[index]!]) !== getters[index]) return false;
    }
    return true;
  }

  #hasValues(): boolean {
    try {
      return this.#holds(scope, this.#values, is);
    } catch {
      // A document's getter stands where a value was.
      return false;
    }
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

function isAsItWas(key: PropertyKey, before: PropertyDescriptor): boolean {
  const now = getOwnPropertyDescriptor(scope, key);
  return now !== undefined && is(now.value, before.value) &&
    now.get === before.get && now.set === before.set && now.writable === before.writable &&
    now.enumerable === before.enumerable && now.configurable === before.configurable;
}

/**
 * Writes a function that compares every value by a name that it knows.
 *
 * The engine looks such names up once, and takes a quarter of the time that a loop over them takes.
 */
function makeCheck(keys: readonly PropertyKey[]): Check {
  const terms = keys.map((key, at) =>
    typeof key === "symbol" ? undefined : `is(scope[${stringify(key)}], values[${at}])`
  );
  const named = terms.filter((term) => term !== undefined);
  const source = `return ${["true", ...named].join(" && ")};`;
  if (lastCheck?.source !== source) {
    lastCheck = { source, check: compile("scope", "values", "is", source) as Check };
  }
  const { check } = lastCheck;
  const symbols = keys.flatMap((key, at) => typeof key === "symbol" ? [{ key, at }] : []);
  return (scope, values, is) => {
    for (const { key, at } of symbols) {
      if (!is((scope as Record<symbol, unknown>)[key], values[at])) return false;
    }
    return check(scope, values, is);
  };
}
