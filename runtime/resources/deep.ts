/**
 * What can be a true global, and how it is kept from change.
 *
 * Workers load this file.
 *
 * @module
 */

import { TrueGlobalError } from "./errors.ts";

type Collection = Map<unknown, unknown> | Set<unknown>;

/** Prototypes of what structured clone carries without making something else of it. */
const PLAIN: ReadonlySet<object | null> = new Set([
  null,
  Object.prototype,
  Array.prototype,
  Map.prototype,
  Set.prototype,
  Date.prototype,
  RegExp.prototype,
  Boolean.prototype,
  Number.prototype,
  String.prototype,
  BigInt.prototype,
  ArrayBuffer.prototype,
  DataView.prototype,
  ...[Int8Array, Uint8Array, Uint8ClampedArray, Int16Array, Uint16Array, Int32Array, Uint32Array]
    .map((Class) => Class.prototype),
  ...[Float32Array, Float64Array, BigInt64Array, BigUint64Array].map((Class) => Class.prototype),
  ...[Error, EvalError, RangeError, ReferenceError, SyntaxError, TypeError, URIError].map((Class) =>
    Class.prototype
  ),
]);

/** Methods that change an object which freezing does not reach. */
const CHANGES: readonly [object, readonly string[]][] = [
  [Map.prototype, ["set", "delete", "clear"]],
  [Set.prototype, ["add", "delete", "clear"]],
  [Date.prototype, Object.getOwnPropertyNames(Date.prototype).filter((key) => /^set/.test(key))],
];

/**
 * Checks that structured clone would carry a value as it is.
 *
 * @throws {DOMException} `DataCloneError` if there is a function, an instance of some class, or shared memory in it.
 */
export function checkPlain(key: string, root: unknown): void {
  const seen = new Set<unknown>();
  const open = [root];
  while (open.length > 0) {
    const value = open.pop();
    if (typeof value === "function" || typeof value === "symbol") fail(key, `a ${typeof value}`);
    if (typeof value !== "object" || value === null || seen.has(value)) continue;
    seen.add(value);
    if (!PLAIN.has(Object.getPrototypeOf(value))) {
      fail(key, `an instance of ${value.constructor?.name ?? "a class"}`);
    }
    if (ArrayBuffer.isView(value)) {
      if (value.buffer instanceof SharedArrayBuffer) fail(key, "shared memory");
      continue;
    }
    pushChildren(open, value);
  }
}

/** Freezes objects, lists, maps, sets and dates, as deep as they go. */
export function freezeDeep(root: unknown): void {
  const open = [root];
  while (open.length > 0) {
    const value = open.pop();
    if (typeof value !== "object" || value === null || Object.isFrozen(value)) continue;
    // A view over memory cannot be frozen.
    if (ArrayBuffer.isView(value)) continue;
    for (const [prototype, names] of CHANGES) {
      if (Object.getPrototypeOf(value) === prototype) refuseChanges(value, names);
    }
    Object.freeze(value);
    pushChildren(open, value);
  }
}

function pushChildren(open: unknown[], value: object): void {
  if (value instanceof Map || value instanceof Set) {
    for (const [key, item] of (value as Collection).entries()) open.push(key, item);
  }
  for (const key of Object.keys(value)) open.push((value as Record<string, unknown>)[key]);
}

/** Hides the methods that would change a value, in a way that structured clone does not see. */
function refuseChanges(value: object, names: readonly string[]): void {
  for (const name of names) Object.defineProperty(value, name, { value: refuse });
}

function refuse(): never {
  throw new TrueGlobalError(
    "Cannot change a global: the globals are sealed once startup has ended",
  );
}

function fail(key: string, what: string): never {
  throw new DOMException(
    `Cannot set global "${key}": it holds ${what}, which other threads cannot have`,
    "DataCloneError",
  );
}
