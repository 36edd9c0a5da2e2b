/**
 * The check that every value from a worker passes before the entry looks at it.
 *
 * Structured clone has already copied such a value, but it may still hold something that is not data:
 * memory that the worker goes on writing, or a port that leads back to it. Both are refused.
 *
 * @module
 */

const LEAVES: ReadonlySet<unknown> = new Set([
  Date.prototype,
  RegExp.prototype,
  Boolean.prototype,
  Number.prototype,
  String.prototype,
  BigInt.prototype,
  DOMException.prototype,
]);

/**
 * Looks through a value for anything that is not plain, private data.
 *
 * @returns What was found, for an error message, or `undefined` when all is well.
 */
export function findForbidden(value: unknown): string | undefined {
  if (typeof value !== "object" || value === null) return undefined;
  const seen = new Set<object>([value]);
  const open: object[] = [value];
  const visit = (child: unknown) => {
    if (typeof child === "object" && child !== null && !seen.has(child)) {
      seen.add(child);
      open.push(child);
    }
  };
  while (open.length > 0) {
    const item = open.pop()!;
    const prototype = Object.getPrototypeOf(item);
    if (prototype === Object.prototype || prototype === Array.prototype) {
      for (const key of Object.keys(item)) visit((item as Record<string, unknown>)[key]);
    } else if (ArrayBuffer.isView(item)) {
      if (!(item.buffer instanceof ArrayBuffer)) return "memory shared with the worker";
    } else if (item instanceof Map) {
      for (const [key, entry] of item) {
        visit(key);
        visit(entry);
      }
    } else if (item instanceof Set) {
      for (const entry of item) visit(entry);
    } else if (item instanceof Error && !(item instanceof DOMException)) {
      visit(item.cause);
    } else if (item instanceof SharedArrayBuffer) {
      return "memory shared with the worker";
    } else if (!(item instanceof ArrayBuffer) && !LEAVES.has(prototype)) {
      return `a ${item.constructor?.name ?? "foreign object"}`;
    }
  }
  return undefined;
}

/** Whether `value` is an object with string keys that a message can be read from. */
export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
