/**
 * What the store keeps in one KV entry: when it expires, and either the encoded value itself or
 * where its parts are.
 *
 * Byte 0 says which of the two, whether the entry was primed and whether its key follows; bytes 1 to 8
 * hold the time of expiry.
 *
 * @module
 */

/** Where the parts of a large value are. */
export interface PartsRef {
  /** 16 random bytes: the parts of each write stand under an id of their own and never change. */
  id: Uint8Array;
  /** How many there are. */
  count: number;
  /** Their bytes together. */
  bytes: number;
}

/** What every entry has. */
interface Common {
  /** When it expires, in milliseconds since 1970; `Infinity` for never. */
  expiresAt: number;
  /** Whether priming put it there. */
  isPrimed: boolean;
  /** The encoded key, where the row does not tell it. */
  key?: Uint8Array;
}

/** An entry, unpacked. */
export type StoredRecord =
  & Common
  & ({ form: "inline"; payload: Uint8Array } | { form: "parts"; parts: PartsRef });

const HEADER_BYTES = 9;
const ID_BYTES = 16;
const INLINE = 1;
const PARTS = 2;
const FORM = 0x0f;
const PRIMED = 0x10;
const KEYED = 0x20;

/** Packs an entry. */
export function pack(record: StoredRecord): Uint8Array {
  const { form, expiresAt, isPrimed, key } = record;
  const before = HEADER_BYTES + (key === undefined ? 0 : 2 + key.length);
  const rest = form === "inline" ? record.payload.length : ID_BYTES + 4 + 8;
  const bytes = new Uint8Array(before + rest);
  const view = new DataView(bytes.buffer);
  const flags = (isPrimed ? PRIMED : 0) | (key === undefined ? 0 : KEYED);
  view.setUint8(0, (form === "inline" ? INLINE : PARTS) | flags);
  view.setFloat64(1, expiresAt);
  if (key !== undefined) {
    view.setUint16(HEADER_BYTES, key.length);
    bytes.set(key, HEADER_BYTES + 2);
  }
  if (form === "inline") {
    bytes.set(record.payload, before);
  } else {
    bytes.set(record.parts.id, before);
    view.setUint32(before + ID_BYTES, record.parts.count);
    view.setFloat64(before + ID_BYTES + 4, record.parts.bytes);
  }
  return bytes;
}

/**
 * Unpacks an entry; what it holds shows the bytes that were given.
 *
 * @throws {Error} If something else than the store wrote it.
 */
export function unpack(bytes: unknown): StoredRecord {
  if (!(bytes instanceof Uint8Array) || bytes.length < HEADER_BYTES) throw unreadable();
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const flags = bytes[0]!;
  let at = HEADER_BYTES;
  const common: Common = { expiresAt: view.getFloat64(1), isPrimed: (flags & PRIMED) !== 0 };
  if ((flags & KEYED) !== 0) {
    if (bytes.length < at + 2) throw unreadable();
    common.key = bytes.subarray(at + 2, at + 2 + view.getUint16(at));
    at += 2 + common.key.length;
  }
  if ((flags & FORM) === INLINE) return { ...common, form: "inline", payload: bytes.subarray(at) };
  if ((flags & FORM) !== PARTS || bytes.length !== at + ID_BYTES + 12) throw unreadable();
  const id = bytes.slice(at, at + ID_BYTES);
  const count = view.getUint32(at + ID_BYTES);
  return {
    ...common,
    form: "parts",
    parts: { id, count, bytes: view.getFloat64(at + ID_BYTES + 4) },
  };
}

function unreadable(): Error {
  return new Error("Cannot read a store entry: it is in no form that this version knows");
}
