/**
 * Plain data: primitives, and objects and arrays of plain data that form a tree. It can be copied by
 * hand, much faster than structured clone does it, and frozen as deep as it goes.
 *
 * Workers load this file, so it imports nothing.
 *
 * @module
 */

const MAX_DEPTH = 64;

/**
 * Whether a value is plain data. What occurs twice in it, or deeper than 64 levels, makes it none, and
 * so does an object that `isOdd` says no good of.
 */
export function isPlain(value: unknown, isOdd?: (value: object) => boolean): boolean {
  return isLeaf(value) || isTree(value as object, new Set(), MAX_DEPTH, isOdd);
}

/** Copies plain data. */
export function copyPlain<T>(value: T): T {
  if (typeof value !== "object" || value === null) return value;
  if (Array.isArray(value)) {
    const copy = new Array(value.length);
    for (let index = 0; index < copy.length; index++) copy[index] = copyPlain(value[index]);
    return copy as T;
  }
  const copy: Record<string, unknown> = {};
  for (const name in value) copy[name] = copyPlain(value[name]);
  return copy as T;
}

/** Freezes plain data, all of it, and returns it. */
export function freezePlain<T>(value: T): T {
  if (typeof value !== "object" || value === null) return value;
  for (const part of Object.values(value)) freezePlain(part);
  return Object.freeze(value);
}

function isLeaf(value: unknown): boolean {
  return value === null || typeof value !== "object" && typeof value !== "function" &&
      typeof value !== "symbol";
}

function isTree(
  value: object,
  seen: Set<object>,
  depth: number,
  isOdd?: (value: object) => boolean,
): boolean {
  if (depth === 0 || typeof value !== "object" || seen.has(value) || isOdd?.(value)) return false;
  seen.add(value);
  const isArray = Array.isArray(value);
  // Before the names are listed, which takes a tenth of a second for each MiB of a typed array.
  const { prototype } = isArray ? Array : Object;
  if (Object.getPrototypeOf(value) !== prototype) return false;
  const names = Object.keys(value);
  if (isArray) {
    // A hole, or a property beside the elements.
    const isDense = names.length === value.length &&
      (names.length === 0 || names.at(-1) === String(names.length - 1));
    if (!isDense) return false;
  } else if (Object.hasOwn(value, "__proto__")) {
    return false;
  }
  return names.every((name) => {
    const part = (value as Record<string, unknown>)[name];
    return isLeaf(part) || isTree(part as object, seen, depth - 1, isOdd);
  });
}
