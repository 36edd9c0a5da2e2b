/**
 * Keys of the store: what is one, how it is put into words, and the order that Deno KV keeps.
 *
 * @module
 */

import type { StoreKeyPart } from "../types/store.ts";

/** A key that was checked, in Deno KV's form. */
export type KvKey = readonly StoreKeyPart[];

/** The most bytes that a key may take once encoded. */
export const MAX_KEY_BYTES = 8 * 1024 + 64;

/** What no part of a user's key begins with: the store marks parts of its own so. */
export const RESERVED = "\u{10FFFF}";

const MAX_BIGINT_BYTES = 255;
const SHOWN_CHARACTERS = 64;
const SHOWN_PARTS = 8;
const KINDS = ["bytes", "string", "bigint", "number", "boolean"];
const PARTS_ALLOWED = "text that is not empty, numbers, bigints, booleans and Uint8Arrays";

/**
 * Checks a store key and copies it, so that the caller can no longer change it: `"a"` becomes
 * `["a"]`, and `-0` becomes `0`, which are two keys to Deno KV but one number to everybody else.
 *
 * @throws {TypeError} If it is no key.
 * @throws {RangeError} If it takes more than {@linkcode MAX_KEY_BYTES} bytes.
 */
export function toKvKey(key: unknown): KvKey {
  const parts: unknown = typeof key === "string" ? [key] : key;
  if (!Array.isArray(parts)) refuse(key, "a key is text or an array of parts");
  if (parts.length === 0) refuse(key, "a key has at least one part");
  const copy: StoreKeyPart[] = [];
  let bytes = 0;
  for (let index = 0; index < parts.length && bytes <= MAX_KEY_BYTES; index++) {
    const part = toPart(parts[index], key, index);
    copy.push(part);
    bytes += partBytes(part);
  }
  if (bytes <= MAX_KEY_BYTES) return copy;
  throw new RangeError(
    `Cannot use ${describeKey(key)} as a store key: it takes ${
      copy.length < parts.length ? "at least " : ""
    }${bytes} bytes, at most ${MAX_KEY_BYTES} are allowed`,
  );
}

/** Checks an array of keys, each as {@linkcode toKvKey} does. */
export function toKvKeys(keys: unknown): KvKey[] {
  if (Array.isArray(keys)) return Array.from(keys, toKvKey);
  throw new TypeError(`Cannot read many keys: ${describeKey(keys)} is no array of keys`);
}

/** Puts a key, or whatever was given for one, into words, shortened: `"a"`, `["a", 1n]`. */
export function describeKey(key: unknown): string {
  if (!Array.isArray(key)) return describePart(key);
  if (key.length === 1 && typeof key[0] === "string") return describePart(key[0]);
  const shown: string[] = [];
  for (let index = 0; index < key.length && index < SHOWN_PARTS; index++) {
    shown.push(describePart(key[index]));
  }
  if (key.length > SHOWN_PARTS) shown.push("…");
  return `[${shown.join(", ")}]`;
}

/** Says whether `key` begins with all parts of `prefix`, or is it; both must come from {@linkcode toKvKey}. */
export function hasPrefix(key: KvKey, prefix: KvKey): boolean {
  return prefix.length <= key.length &&
    prefix.every((part, index) => compareParts(part, key[index]!) === 0);
}

/** Compares two keys from {@linkcode toKvKey} as Deno KV orders them: below 0, 0 or above 0. */
export function compareKeys(a: KvKey, b: KvKey): number {
  for (let index = 0; index < a.length && index < b.length; index++) {
    const order = compareParts(a[index]!, b[index]!);
    if (order !== 0) return order;
  }
  return a.length - b.length;
}

/** Turns a key from {@linkcode toKvKey} into text that no other key has. */
export function keyId(key: KvKey): string {
  return JSON.stringify(
    key.map((part) => typeof part === "string" ? part : [kindOf(part), String(part)]),
  );
}

function toPart(part: unknown, key: unknown, index: number): StoreKeyPart {
  if (typeof part === "boolean" || typeof part === "bigint") return part;
  if (part instanceof Uint8Array) return new Uint8Array(part);
  if (typeof part === "string") {
    if (part === "") refuse(key, `part ${index + 1} is empty text`);
    // Encoding replaces a lone surrogate, which would make one key of several.
    if (!part.isWellFormed()) refuse(key, `part ${index + 1} is no well-formed text`);
    if (part.startsWith(RESERVED)) {
      refuse(key, `part ${index + 1} begins with U+10FFFF, which the store keeps for itself`);
    }
    return part;
  }
  if (typeof part !== "number") {
    refuse(key, `part ${index + 1} is ${describePart(part)}, allowed are ${PARTS_ALLOWED}`);
  }
  if (Number.isNaN(part)) refuse(key, `part ${index + 1} is NaN`);
  return part === 0 ? 0 : part;
}

function refuse(key: unknown, found: string): never {
  throw new TypeError(`Cannot use ${describeKey(key)} as a store key: ${found}`);
}

/** The bytes that a part takes in an encoded key. */
export function partBytes(part: StoreKeyPart): number {
  if (typeof part === "number") return 9;
  if (typeof part === "boolean") return 1;
  if (typeof part === "bigint") return 2 + bigintBytes(part);
  const bytes = toBytes(part);
  let zeros = 0;
  for (const byte of bytes) if (byte === 0) zeros++;
  return 2 + bytes.length + zeros;
}

function bigintBytes(part: bigint): number {
  const digits = part.toString(16).length - (part < 0n ? 1 : 0);
  const bytes = Math.ceil(digits / 2);
  if (bytes <= MAX_BIGINT_BYTES) return bytes;
  throw new RangeError(
    `Cannot use a bigint of ${bytes} bytes in a store key: at most ${MAX_BIGINT_BYTES} are allowed`,
  );
}

function compareParts(a: StoreKeyPart, b: StoreKeyPart): number {
  const kind = kindOf(a);
  if (kind !== kindOf(b)) return KINDS.indexOf(kind) - KINDS.indexOf(kindOf(b));
  if (kind === "bytes" || kind === "string") return compareBytes(toBytes(a), toBytes(b));
  return a < b ? -1 : a > b ? 1 : 0;
}

function compareBytes(a: Uint8Array, b: Uint8Array): number {
  for (let index = 0; index < a.length && index < b.length; index++) {
    if (a[index] !== b[index]) return a[index]! - b[index]!;
  }
  return a.length - b.length;
}

function toBytes(part: StoreKeyPart): Uint8Array {
  return part instanceof Uint8Array ? part : new TextEncoder().encode(String(part));
}

function kindOf(part: StoreKeyPart): string {
  return part instanceof Uint8Array ? "bytes" : typeof part;
}

function describePart(part: unknown): string {
  if (typeof part === "string") {
    const long = part.length > SHOWN_CHARACTERS;
    return JSON.stringify(long ? `${part.slice(0, SHOWN_CHARACTERS)}…` : part);
  }
  if (typeof part === "bigint") {
    return part > -(2n ** 64n) && part < 2n ** 64n ? `${part}n` : "a large bigint";
  }
  if (part instanceof Uint8Array) return `Uint8Array(${part.length})`;
  if (Object.is(part, -0)) return "-0";
  if (part === null || typeof part !== "object" && typeof part !== "function") return String(part);
  return typeof part === "function" ? "a function" : Array.isArray(part) ? "an array" : "an object";
}
