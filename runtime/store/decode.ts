/**
 * From the bytes of a value to the value, in the entry and in workers.
 *
 * @module
 */

import type { Deserializer } from "node:v8";
import { decodePlain } from "./wire.ts";

type V8 = { Deserializer: new (bytes: Uint8Array) => Deserializer };

let v8: V8 | undefined;

/** Decodes what `encodeValue()` of `codec.ts` made; everything in the result is the caller's own. */
export function decodeValue(bytes: Uint8Array): unknown {
  const plain = decodePlain(bytes);
  if (plain !== undefined) return plain.value;
  // Not imported above: it would take every worker 4 ms longer to start, and few meet such values.
  const { process } = globalThis as unknown as { process: { getBuiltinModule(name: string): V8 } };
  v8 ??= process.getBuiltinModule("node:v8");
  const deserializer = new v8.Deserializer(bytes);
  deserializer.readHeader();
  return deserializer.readValue();
}
