/**
 * What goes over the channel between a process and its child: messages with the places of their streams, and
 * what those streams bring. Each is an array that begins with one of {@linkcode FRAME}.
 *
 * Workers in processes load this file.
 *
 * @module
 */

/** What a frame is. */
export const FRAME = Object.freeze({
  /** `[message, places?]`. */
  message: 0,
  /** `[id, bytes]`, from the side that has the source: a chunk. */
  chunk: 1,
  /** `[id]`, from there: the stream has ended, or the word that it was cancelled has come. */
  end: 2,
  /** `[id, record]`, from there: the stream has failed. */
  error: 3,
  /** `[id, count]`, from the side that reads: so many more chunks are wanted. */
  pull: 4,
  /** `[id, record]`, from there: nobody reads on. */
  cancel: 5,
  /** `[]`, from the child: it listens. */
  ready: 6,
  /** `[text]`, from the child: nobody caught an error. */
  failed: 7,
});

/** By this signal a child ends itself while it opens a session: nothing else is sure to come out of it. */
export const OPENING_SIGNAL = "SIGUSR2";

/** Where in a message a stream stands, and its number. */
export type StreamPlace = [path: (string | number)[], id: number];

/** Chunks that may be on their way in one stream. */
export const WINDOW = 4;
/** Bytes of a chunk; larger ones are cut. */
export const MAX_CHUNK = 1 << 18;
/** Streams that may be open at once in each direction. */
export const MAX_STREAMS = 1024;
const MAX_DEPTH = 16;

/** The way to an object in plain data, or `undefined` when it is not there. */
export function findPath(root: unknown, sought: object): (string | number)[] | undefined {
  const path: (string | number)[] = [];
  return walk(root, sought, path) ? path : undefined;
}

function walk(part: unknown, sought: object, path: (string | number)[]): boolean {
  if (part === sought) return true;
  if (typeof part !== "object" || part === null || path.length === MAX_DEPTH) return false;
  const isList = Array.isArray(part);
  if (!isList && !isPlainObject(part)) return false;
  for (const key of Object.keys(part)) {
    path.push(isList ? Number(key) : key);
    if (walk((part as Record<string, unknown>)[key], sought, path)) return true;
    path.pop();
  }
  return false;
}

/** Copies the containers on the way to a place, and puts something else there. */
export function replaceAt(
  root: unknown,
  path: readonly (string | number)[],
  value: unknown,
): unknown {
  if (path.length === 0) return value;
  const [key, ...rest] = path;
  const copy = Array.isArray(root) ? [...root] : { ...root as object };
  const held = copy as Record<string | number, unknown>;
  held[key!] = replaceAt(held[key!], rest, value);
  return copy;
}

/** What stands at a place, in a container that the place may be set in; `undefined` when there is no such place. */
export function placeAt(
  root: unknown,
  path: unknown,
): { holder: Record<string | number, unknown>; key: string | number } | undefined {
  if (!Array.isArray(path) || path.length === 0 || path.length > MAX_DEPTH) return undefined;
  let holder: unknown = root;
  for (const [index, key] of path.entries()) {
    if (typeof key !== "string" && typeof key !== "number") return undefined;
    if (typeof holder !== "object" || holder === null || !Object.hasOwn(holder, key)) {
      return undefined;
    }
    if (!Array.isArray(holder) && !isPlainObject(holder)) return undefined;
    const record = holder as Record<string | number, unknown>;
    if (index === path.length - 1) {
      return record[key] === null ? { holder: record, key } : undefined;
    }
    holder = record[key];
  }
  return undefined;
}

function isPlainObject(value: object): boolean {
  const prototype = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}
