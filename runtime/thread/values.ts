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
  return search(value, (item, prototype) => {
    if (ArrayBuffer.isView(item)) {
      return item.buffer instanceof ArrayBuffer ? undefined : "memory shared with the worker";
    }
    if (item instanceof SharedArrayBuffer) return "memory shared with the worker";
    if (item instanceof ArrayBuffer || LEAVES.has(prototype)) return undefined;
    return `a ${item.constructor?.name ?? "foreign object"}`;
  });
}

/** Closes the streams in a value that nobody will read; each holds a port open until then. */
export function releaseStreams(value: unknown): void {
  search(value, (item) => {
    if (item instanceof ReadableStream) item.cancel().catch(ignoreDeadSource);
    else if (item instanceof WritableStream) item.abort().catch(ignoreDeadSource);
    else if (item instanceof TransformStream) {
      item.readable.cancel().catch(ignoreDeadSource);
      item.writable.abort().catch(ignoreDeadSource);
    }
    return undefined;
  });
}

/** Judges what is no container, in no order, until a judgement is made. */
function search(
  root: unknown,
  judge: (item: object, prototype: unknown) => string | undefined,
): string | undefined {
  if (typeof root !== "object" || root === null) return undefined;
  const seen = new Set<object>([root]);
  const open: object[] = [root];
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
    } else if (item instanceof Map) {
      for (const [key, entry] of item) {
        visit(key);
        visit(entry);
      }
    } else if (item instanceof Set) {
      for (const entry of item) visit(entry);
    } else if (item instanceof Error && !(item instanceof DOMException)) {
      visit(item.cause);
    } else {
      const judgement = judge(item, prototype);
      if (judgement !== undefined) return judgement;
    }
  }
  return undefined;
}

/**
 * Whether `value` is a plain object, that a message can be read from. Nothing else is: bytes, for one,
 * have as many entries as they are long.
 */
export function isRecord(value: unknown): value is Record<string, unknown> {
  if (typeof value !== "object" || value === null) return false;
  const prototype = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}

/** A stream whose worker is gone cannot be told. */
function ignoreDeadSource(): void {}
