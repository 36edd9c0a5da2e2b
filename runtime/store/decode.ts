/**
 * From the bytes of a value to the value, in the entry and in workers.
 *
 * @module
 */

import { Deserializer } from "node:v8";
import { decodePlain } from "./wire.ts";

/** Decodes what `encodeValue()` of `codec.ts` made; everything in the result is the caller's own. */
export function decodeValue(bytes: Uint8Array): unknown {
  const plain = decodePlain(bytes);
  if (plain !== undefined) return plain.value;
  const deserializer = new Deserializer(bytes);
  deserializer.readHeader();
  return deserializer.readValue();
}
