/**
 * Finds what structured clone would carry as an empty object: Deno does so with a URL, a Headers or a
 * Request that is part of a value, though it refuses one that is the value.
 *
 * Workers load this file, so it imports little.
 *
 * @module
 */

import { isPlain } from "./plain.ts";

const CARRIED: ReadonlySet<string> = new Set([
  "Map",
  "Set",
  "ArrayBuffer",
  "SharedArrayBuffer",
  "BigInt",
]);

/** The kind of the first object in a value that cannot be carried; `undefined` when all can. */
export function findHost(value: unknown): string | undefined {
  if (isPlain(value)) return undefined;
  const seen = new Set<object>();
  const left: unknown[] = [value];
  while (left.length > 0) {
    const part = left.pop();
    if (typeof part !== "object" || part === null || ArrayBuffer.isView(part) || seen.has(part)) {
      continue;
    }
    seen.add(part);
    const tag = (part as { [Symbol.toStringTag]?: unknown })[Symbol.toStringTag];
    if (typeof tag === "string" && !CARRIED.has(tag) && !Object.hasOwn(part, Symbol.toStringTag)) {
      return tag;
    }
    if (part instanceof Map) { for (const [key, held] of part) left.push(key, held); }
    else if (part instanceof Set) left.push(...part);
    else if (part instanceof Error) left.push(part.cause);
    else for (const name of Object.keys(part)) left.push((part as Record<string, unknown>)[name]);
  }
  return undefined;
}
