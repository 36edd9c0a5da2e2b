/**
 * What is done inside Redis, in one step each.
 *
 * A row is a string, the version and then the bytes, under the rows' prefix and the bytes of its key.
 * The index, a sorted set, holds the keys in their order; Redis expires a row and not its place there,
 * so that a second one holds when rows expire. Whoever commits tidies up a few.
 *
 * @module
 */

import { Buffer } from "node:buffer";
import { createHash } from "node:crypto";
import type { RowCheck, RowWrite } from "./engine.ts";
import { keyToBytes } from "./key_bytes.ts";

/** How long every version is, in bytes and characters. */
export const VERSION_BYTES = 20;
/** How much of a version says who has written it. */
export const WRITER_BYTES = 12;
/** Stands in a message for all keys. */
export const ALL = "*";

/** A script that runs inside Redis, and the name that Redis gives it. */
export interface Script {
  source: string;
  sha: string;
}

const REMOVE = 0;
const KEEP = 1;
const EXPIRE = 2;
const MAX_EXPIRE_IN = 1e15; // Redis refuses much larger ones, and nobody waits for it

/** KEYS: index, expiries. ARGV: prefix of rows, channel, what {@linkcode packCommit} makes. */
export const COMMIT = script(`
local rows, channel, input = ARGV[1], ARGV[2], ARGV[3]
local version, at = string.sub(input, 1, ${VERSION_BYTES}), ${VERSION_BYTES + 1}
local count, key, value, kind, life
count, at = struct.unpack('>I2', input, at)
for _ = 1, count do
  key, value, at = struct.unpack('>I2c0I1c0', input, at)
  if redis.call('GETRANGE', rows .. key, 0, ${VERSION_BYTES - 1}) ~= value then return 0 end
end
-- What fails behind the first write is half done: here is found out whether these are what they should be.
redis.call('ZCARD', KEYS[1])
redis.call('ZCARD', KEYS[2])
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local message, bytes = { string.sub(version, 1, ${WRITER_BYTES}) }, 0
count, at = struct.unpack('>I2', input, at)
for _ = 1, count do
  key, kind, at = struct.unpack('>I2c0I1', input, at)
  if kind == ${REMOVE} then
    redis.call('DEL', rows .. key)
    redis.call('ZREM', KEYS[1], key)
    redis.call('ZREM', KEYS[2], key)
  else
    life, value, at = struct.unpack('>dI4c0', input, at)
    if kind == ${EXPIRE} then
      redis.call('SET', rows .. key, version .. value, 'PX', life)
      redis.call('ZADD', KEYS[2], now + life, key)
    else
      redis.call('SET', rows .. key, version .. value)
      redis.call('ZREM', KEYS[2], key)
    end
    redis.call('ZADD', KEYS[1], 0, key)
  end
  message[#message + 1] = #key .. ':' .. key
  bytes = bytes + #key
end
if count == 0 then return 1 end
if bytes > 262144 then message = { message[1], '${ALL}' } end
redis.call('PUBLISH', channel, table.concat(message))
local old = redis.call('ZRANGEBYSCORE', KEYS[2], '-inf', '(' .. string.format('%.0f', now), 'LIMIT', 0, count + 16)
for _, key in ipairs(old) do
  if redis.call('EXISTS', rows .. key) == 0 then
    redis.call('ZREM', KEYS[1], key)
    redis.call('ZREM', KEYS[2], key)
  end
end
return 1
`);

/**
 * KEYS: index, expiries. ARGV: prefix of rows, from and to in the index, how many, about how many bytes.
 * Returns where to go on after, or nothing when it is done, and then keys and rows in turn.
 */
export const SCAN = script(`
local keys = redis.call('ZRANGEBYLEX', KEYS[1], ARGV[2], ARGV[3], 'LIMIT', 0, ARGV[4])
local found, bytes, most = {}, 0, tonumber(ARGV[5])
local last = #keys == tonumber(ARGV[4]) and keys[#keys] or ''
for place, key in ipairs(keys) do
  local row = redis.call('GET', ARGV[1] .. key)
  if row then
    found[#found + 1] = key
    found[#found + 1] = row
    bytes = bytes + #row
    if bytes >= most and place < #keys then
      last = key
      break
    end
  else
    redis.call('ZREM', KEYS[1], key)
    redis.call('ZREM', KEYS[2], key)
  end
end
return { last, found }
`);

/**
 * ARGV: prefix of rows, about how many bytes, and what {@linkcode packKeys} makes. Returns the rows of as
 * many keys, from the first, as have that many bytes.
 */
export const READ = script(`
local found, bytes, most, input, at = {}, 0, tonumber(ARGV[2]), ARGV[3], 1
local key
while at <= #input and bytes < most do
  key, at = struct.unpack('>I2c0', input, at)
  local row = redis.call('GET', ARGV[1] .. key)
  found[#found + 1] = row
  if row then bytes = bytes + #row end
end
return found
`);

/** Makes the input of {@linkcode COMMIT}. */
export function packCommit(
  version: string,
  checks: readonly RowCheck[],
  writes: readonly RowWrite[],
): Buffer {
  const checkKeys = checks.map(({ key }) => keyToBytes(key));
  const writeKeys = writes.map(({ key }) => keyToBytes(key));
  let size = VERSION_BYTES + 2 + 2;
  for (const key of checkKeys) size += 3 + key.length + VERSION_BYTES;
  for (const key of writeKeys) size += 15 + key.length;
  for (const { value } of writes) size += value?.length ?? 0;
  const input = Buffer.allocUnsafe(size);
  let at = input.write(version, 0, "latin1");
  at = input.writeUInt16BE(checks.length, at);
  for (const [index, { versionstamp }] of checks.entries()) {
    at = writeKey(input, checkKeys[index]!, at);
    at = input.writeUInt8(versionstamp?.length ?? 0, at);
    if (versionstamp !== null) at += input.write(versionstamp, at, "latin1");
  }
  at = input.writeUInt16BE(writes.length, at);
  for (const [index, { value, expireInMs }] of writes.entries()) {
    at = writeKey(input, writeKeys[index]!, at);
    if (value === null) {
      at = input.writeUInt8(REMOVE, at);
      continue;
    }
    const expires = expireInMs !== undefined && expireInMs < MAX_EXPIRE_IN;
    at = input.writeUInt8(expires ? EXPIRE : KEEP, at);
    at = input.writeDoubleBE(expires ? Math.max(1, Math.ceil(expireInMs)) : 0, at);
    at = input.writeUInt32BE(value.length, at);
    input.set(value, at);
    at += value.length;
  }
  return input.subarray(0, at);
}

/** Makes the input of {@linkcode READ}. */
export function packKeys(keys: readonly Uint8Array[]): Buffer {
  const input = Buffer.allocUnsafe(keys.reduce((sum, { length }) => sum + 2 + length, 0));
  let at = 0;
  for (const key of keys) at = writeKey(input, key, at);
  return input;
}

/** Reads the message of a commit: who made it, and the keys, or `null` for all of them. */
export function unpackMessage(message: Buffer): { writer: string; keys: Uint8Array[] | null } {
  const writer = message.toString("latin1", 0, WRITER_BYTES);
  const keys: Uint8Array[] = [];
  for (let at = WRITER_BYTES; at < message.length;) {
    const colon = message.indexOf(":", at);
    const length = Number(message.toString("latin1", at, Math.max(at, colon)) || NaN);
    if (!(colon + 1 + length <= message.length)) return { writer, keys: null };
    at = colon + 1 + length;
    keys.push(new Uint8Array(message.subarray(colon + 1, at)));
  }
  return { writer, keys };
}

function writeKey(input: Buffer, key: Uint8Array, at: number): number {
  at = input.writeUInt16BE(key.length, at);
  input.set(key, at);
  return at + key.length;
}

function script(source: string): Script {
  return { source, sha: createHash("sha1").update(source).digest("hex") };
}
