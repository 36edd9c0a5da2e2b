/**
 * What the store keeps in one KV entry: when it expires, and either the encoded value itself or
 * where its parts are.
 *
 * Byte 0 says which of the two, bytes 1 to 8 hold the time of expiry, the rest depends.
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

/** An entry, unpacked. */
export type StoredRecord =
  | { form: "inline"; expiresAt: number; payload: Uint8Array }
  | { form: "parts"; expiresAt: number; parts: PartsRef };

const HEADER_BYTES = 9;
const ID_BYTES = 16;
const PARTS_RECORD_BYTES = HEADER_BYTES + ID_BYTES + 4 + 8;
const INLINE = 1;
const PARTS = 2;

/** Packs a small value; `expiresAt` is in milliseconds since 1970, `Infinity` for never. */
export function packInline(expiresAt: number, payload: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(HEADER_BYTES + payload.length);
  writeHeader(bytes, INLINE, expiresAt);
  bytes.set(payload, HEADER_BYTES);
  return bytes;
}

/** Packs the place of a large value. */
export function packParts(expiresAt: number, parts: PartsRef): Uint8Array {
  const bytes = new Uint8Array(PARTS_RECORD_BYTES);
  const view = writeHeader(bytes, PARTS, expiresAt);
  bytes.set(parts.id, HEADER_BYTES);
  view.setUint32(HEADER_BYTES + ID_BYTES, parts.count);
  view.setFloat64(HEADER_BYTES + ID_BYTES + 4, parts.bytes);
  return bytes;
}

/**
 * Unpacks an entry.
 *
 * @throws {Error} If something else than the store wrote it.
 */
export function unpack(bytes: unknown): StoredRecord {
  if (!(bytes instanceof Uint8Array) || bytes.length < HEADER_BYTES) throw unreadable();
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const expiresAt = view.getFloat64(1);
  if (bytes[0] === INLINE) {
    return { form: "inline", expiresAt, payload: bytes.subarray(HEADER_BYTES) };
  }
  if (bytes[0] !== PARTS || bytes.length !== PARTS_RECORD_BYTES) throw unreadable();
  const id = bytes.slice(HEADER_BYTES, HEADER_BYTES + ID_BYTES);
  const count = view.getUint32(HEADER_BYTES + ID_BYTES);
  return {
    form: "parts",
    expiresAt,
    parts: { id, count, bytes: view.getFloat64(HEADER_BYTES + ID_BYTES + 4) },
  };
}

function writeHeader(bytes: Uint8Array, form: number, expiresAt: number): DataView {
  const view = new DataView(bytes.buffer);
  view.setUint8(0, form);
  view.setFloat64(1, expiresAt);
  return view;
}

function unreadable(): Error {
  return new Error("Cannot read a store entry: it is in no form that this version knows");
}
