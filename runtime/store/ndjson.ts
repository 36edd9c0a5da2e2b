/**
 * Entries as lines of JSON: those that people write for priming, and those of a dump.
 *
 * People write `{"key": "a", "value": 1}`, perhaps with `"ttlMs"`. A dump begins with a line that names
 * its format and version, and ends with one that counts its entries, so that one that was cut off is
 * known from a whole one. In between, `"value"` holds what JSON carries unchanged and `"clone"` the
 * bytes of everything else; `"expiresAt"` and `"primed"` stand where they apply.
 *
 * @module
 */

import type { StoreKey, StoreKeyPart } from "../types/store.ts";
import type { LoadedEntry, StorePage } from "./backend.ts";
import { decodeValue } from "./decode.ts";
import { describeKey } from "./keys.ts";
import { isPlain } from "./plain.ts";

/** What a line says is not what it has to say. */
export class Unfit extends Error {}

const FORMAT = "tandem-store-dump";
const VERSION = 1;
/** Above this, values are dumped as bytes: nobody reads them, and escapes would make them much longer. */
const MAX_JSON_BYTES = 256 * 1024;
const PLAIN_FIELDS = ["key", "value", "ttlMs"];
const DUMP_FIELDS = ["key", "value", "clone", "expiresAt", "primed"];
const NEEDED = 'needed is {"key": …, "value": …}';

/** The first line of a dump. */
export function headerLine(): string {
  return JSON.stringify({ format: FORMAT, version: VERSION }) + "\n";
}

/** The line of an entry in a dump. */
export function entryLine(
  [key, payload, expiresAt, isPrimed]: StorePage["entries"][number],
): string {
  const parts = typeof key === "string" ? [key] : key;
  const fields: Record<string, unknown> = { key: parts.map(toJsonPart) };
  const value = payload.length > MAX_JSON_BYTES ? undefined : decodeValue(payload);
  if (isPlain(value) && isJson(value)) fields.value = value;
  else fields.clone = payload.toBase64();
  if (expiresAt !== Infinity) fields.expiresAt = expiresAt;
  if (isPrimed) fields.primed = true;
  return JSON.stringify(fields) + "\n";
}

/** The last line of a dump. */
export function endLine(entries: number): string {
  return JSON.stringify({ end: true, entries }) + "\n";
}

/** Reads the lines of one source, in their order. */
export class LineParser {
  #kind: "plain" | "dump" | "ended" | undefined;
  #entries = 0;

  /**
   * Reads a line; `undefined` if there is no entry in it.
   *
   * @throws {Unfit} If it is malformed.
   */
  parse(line: string): LoadedEntry | undefined {
    if (line.trim() === "") return undefined;
    const fields = toFields(line);
    if (this.#kind === undefined) {
      this.#kind = "format" in fields ? "dump" : "plain";
      if (this.#kind === "dump") return checkHeader(fields);
    }
    if (this.#kind === "ended") throw new Unfit("it stands behind the end of the dump");
    if (this.#kind === "dump" && "end" in fields) return this.#end(fields);
    this.#entries++;
    return this.#kind === "plain" ? toPlain(fields) : toDumped(fields);
  }

  /**
   * Hears that there are no more lines.
   *
   * @throws {Unfit} If the last line of a dump is missing.
   */
  end(): void {
    if (this.#kind === "dump") throw new Unfit("the dump breaks off: its last line is missing");
  }

  #end({ entries }: Record<string, unknown>): undefined {
    if (entries !== this.#entries) {
      throw new Unfit(
        `the dump counts ${describeKey(entries)} entries, but ${this.#entries} are there`,
      );
    }
    this.#kind = "ended";
  }
}

function toFields(line: string): Record<string, unknown> {
  let fields: unknown;
  try {
    fields = JSON.parse(line);
  } catch (error) {
    // The number of the line in the message is that within the line.
    const found = (error as Error).message.replace(/ \(line \d+ column \d+\)$/, "");
    throw new Unfit(`it is no JSON: ${found}`);
  }
  if (typeof fields === "object" && fields !== null && !Array.isArray(fields)) {
    return fields as Record<string, unknown>;
  }
  throw new Unfit(`it is ${describeKind(fields)}, ${NEEDED}`);
}

function checkHeader({ format, version }: Record<string, unknown>): undefined {
  if (format === FORMAT && version === VERSION) return undefined;
  throw new Unfit(
    `its format is ${describeKey(format)} in version ${describeKey(version)}, ` +
      `known is ${describeKey(FORMAT)} in version ${VERSION}`,
  );
}

function toPlain(fields: Record<string, unknown>): LoadedEntry {
  checkFields(fields, PLAIN_FIELDS);
  if (!Object.hasOwn(fields, "value")) throw new Unfit(`it has no "value", ${NEEDED}`);
  const { key, value, ttlMs } = fields as { key: StoreKey; value: unknown; ttlMs?: number };
  return { key, value, ttlMs, isPrimed: true };
}

function toDumped(fields: Record<string, unknown>): LoadedEntry {
  checkFields(fields, DUMP_FIELDS);
  const { key, clone, expiresAt, primed = false } = fields;
  if (!Array.isArray(key)) throw new Unfit(`its key is ${describeKind(key)}, needed is an array`);
  if (Object.hasOwn(fields, "value") === Object.hasOwn(fields, "clone")) {
    throw new Unfit('it needs either "value" or "clone"');
  }
  if (expiresAt !== undefined && typeof expiresAt !== "number") {
    throw new Unfit(`expiresAt is ${describeKind(expiresAt)}, needed are milliseconds since 1970`);
  }
  if (typeof primed !== "boolean") {
    throw new Unfit(`primed is ${describeKind(primed)}, needed is true or false`);
  }
  const value = Object.hasOwn(fields, "value") ? fields.value : fromClone(clone);
  return { key: key.map(fromJsonPart), value, expiresAt, isPrimed: primed };
}

function checkFields(fields: Record<string, unknown>, allowed: readonly string[]): void {
  for (const name in fields) {
    if (allowed.includes(name)) continue;
    throw new Unfit(`it has ${describeKey(name)}, allowed are ${allowed.join(", ")}`);
  }
  if (!Object.hasOwn(fields, "key")) throw new Unfit(`it has no "key", ${NEEDED}`);
}

function fromClone(clone: unknown): unknown {
  try {
    return decodeValue(toBytes(clone));
  } catch {
    throw new Unfit("its clone is not the base64 of a value");
  }
}

function toJsonPart(part: StoreKeyPart): unknown {
  if (typeof part === "bigint") return { bigint: String(part) };
  if (part instanceof Uint8Array) return { bytes: part.toBase64() };
  return Number.isFinite(part) || typeof part !== "number" ? part : { number: String(part) };
}

function fromJsonPart(part: unknown): StoreKeyPart {
  if (typeof part !== "object" || part === null) return part as StoreKeyPart; // checked with the key
  const { bigint, bytes, number } = part as Record<string, unknown>;
  try {
    if (typeof bigint === "string" && /^-?\d+$/.test(bigint)) return BigInt(bigint);
    if (typeof bytes === "string") return toBytes(bytes);
    if (number === "Infinity" || number === "-Infinity") return Number(number);
  } catch {
    // As below.
  }
  throw new Unfit(`its key has ${JSON.stringify(part).slice(0, 64)}, which is no part of a key`);
}

function toBytes(text: unknown): Uint8Array {
  return Uint8Array.fromBase64(text as string);
}

/** Whether JSON carries plain data unchanged: it has no bigint, no undefined, no -0 and nothing infinite. */
function isJson(value: unknown): boolean {
  if (typeof value === "number") return Number.isFinite(value) && !Object.is(value, -0);
  if (typeof value === "object" && value !== null) return Object.values(value).every(isJson);
  return value !== undefined && typeof value !== "bigint";
}

function describeKind(value: unknown): string {
  return Array.isArray(value) ? "an array" : describeKey(value);
}
