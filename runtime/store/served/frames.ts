/**
 * What is said over the link: requests to the process that owns the engine, and its replies.
 *
 * A frame is the length of what follows (four bytes), the version of the protocol, a kind, the id of
 * the call or watch (four bytes), and what belongs to the kind.
 *
 * @module
 */

import { type ErrorRecord, parseErrorRecord } from "../../errors.ts";
import type { EngineLimits, Row, RowCheck, RowWrite } from "../engine.ts";
import type { KvKey } from "../keys.ts";
import { badFrame, ByteReader, ByteWriter } from "./bytes.ts";

/** The version of the protocol; both sides must speak the same. */
export const VERSION = 1;

/** The most bytes of a frame before the owner has said how many it takes. */
export const FIRST_FRAME_BYTES = 64 * 1024;

/** What a client asks for. */
export type Request =
  | { kind: "hello"; id: number }
  | { kind: "read"; id: number; keys: readonly KvKey[] }
  | { kind: "commit"; id: number; checks: readonly RowCheck[]; writes: readonly RowWrite[] }
  | { kind: "scan"; id: number; prefix: KvKey; after: KvKey | null; rows: number }
  | { kind: "watch"; id: number; keys: readonly KvKey[] }
  | { kind: "unwatch"; id: number };

/** What a row is, where its key is known. */
export type Content = Pick<Row, "value" | "versionstamp">;

/** What the owner says. */
export type Reply =
  | { kind: "welcome"; id: number; limits: EngineLimits; frameBytes: number }
  | { kind: "rows"; id: number; rows: readonly Content[] }
  | { kind: "page"; id: number; rows: readonly Row[]; isLast: boolean }
  | { kind: "committed"; id: number; version: string | null }
  | { kind: "failed"; id: number; error: ErrorRecord }
  | { kind: "pulse"; id: number }
  | { kind: "foreign"; id: number; keys: readonly KvKey[] | null }
  | { kind: "goodbye"; id: number; reason: string };

// A kind's number on the wire is its place.
const REQUESTS: readonly Request["kind"][] = [
  "hello",
  "read",
  "commit",
  "scan",
  "watch",
  "unwatch",
];
const REPLIES: readonly Reply["kind"][] = [
  "welcome",
  "rows",
  "page",
  "committed",
  "failed",
  "pulse",
  "foreign",
  "goodbye",
];

/** Encodes a request, its length included. */
export function encodeRequest(request: Request): Uint8Array<ArrayBuffer> {
  const out = begin(REQUESTS.indexOf(request.kind), request.id);
  const key = (key: KvKey) => out.key(key);
  switch (request.kind) {
    case "read":
    case "watch":
      out.list(request.keys, key);
      break;
    case "commit":
      out.list(request.checks, (check) => {
        out.key(check.key);
        out.maybe(check.versionstamp, (version) => out.text(version));
      });
      out.list(request.writes, (write) => {
        out.key(write.key);
        out.maybe(write.value, (value) => out.bytes(value));
        out.maybe(write.expireInMs ?? null, (life) => out.f64(life));
      });
      break;
    case "scan":
      out.key(request.prefix);
      out.maybe(request.after, key);
      out.u32(request.rows);
  }
  return finish(out);
}

/** Decodes what follows the length of a request; `BAD_MESSAGE` if it is none. */
export function decodeRequest(bytes: Uint8Array): Request {
  const { from, kind, id } = open(bytes, REQUESTS);
  const key = () => from.key();
  const request = ((): Request => {
    switch (kind) {
      case "read":
      case "watch":
        return { kind, id, keys: from.list(key) };
      case "commit": {
        const checks = from.list(() => ({
          key: from.key(),
          versionstamp: from.maybe(() => from.text()),
        }));
        const writes = from.list(() => {
          const write: RowWrite = { key: from.key(), value: from.maybe(() => from.bytes()) };
          const expireInMs = from.maybe(() => from.f64());
          return expireInMs === null ? write : { ...write, expireInMs };
        });
        return { kind, id, checks, writes };
      }
      case "scan":
        return { kind, id, prefix: from.key(), after: from.maybe(key), rows: from.u32() };
      default:
        return { kind, id };
    }
  })();
  from.end();
  return request;
}

/** Encodes a reply, its length included. */
export function encodeReply(reply: Reply): Uint8Array<ArrayBuffer> {
  const out = begin(REPLIES.indexOf(reply.kind), reply.id);
  const content = ({ value, versionstamp }: Content) => {
    out.maybe(value, (bytes) => out.bytes(bytes));
    out.maybe(versionstamp, (version) => out.text(version));
  };
  switch (reply.kind) {
    case "welcome":
      out.f64(reply.limits.rowBytes);
      out.f64(reply.limits.commitBytes);
      out.f64(reply.limits.commitKeyBytes);
      out.f64(reply.limits.commitRows);
      out.u32(reply.frameBytes);
      break;
    case "rows":
      out.list(reply.rows, content);
      break;
    case "page":
      out.u8(reply.isLast ? 1 : 0);
      out.list(reply.rows, (row) => {
        out.key(row.key);
        content(row);
      });
      break;
    case "committed":
      out.maybe(reply.version, (version) => out.text(version));
      break;
    case "failed":
      out.text(JSON.stringify(reply.error));
      break;
    case "foreign":
      out.maybe(reply.keys, (keys) => out.list(keys, (key) => out.key(key)));
      break;
    case "goodbye":
      out.text(reply.reason);
  }
  return finish(out);
}

/** Decodes what follows the length of a reply; `BAD_MESSAGE` if it is none. */
export function decodeReply(bytes: Uint8Array): Reply {
  const { from, kind, id } = open(bytes, REPLIES);
  const content = (): Content => ({
    value: from.maybe(() => from.bytes()),
    versionstamp: from.maybe(() => from.text()),
  });
  const reply = ((): Reply => {
    switch (kind) {
      case "welcome": {
        const limits = {
          rowBytes: from.f64(),
          commitBytes: from.f64(),
          commitKeyBytes: from.f64(),
          commitRows: from.f64(),
        };
        return { kind, id, limits, frameBytes: from.u32() };
      }
      case "rows":
        return { kind, id, rows: from.list(content) };
      case "page": {
        const isLast = from.u8() === 1;
        return { kind, id, isLast, rows: from.list(() => ({ key: from.key(), ...content() })) };
      }
      case "committed":
        return { kind, id, version: from.maybe(() => from.text()) };
      case "failed":
        return { kind, id, error: errorRecord(from.text()) };
      case "foreign":
        return { kind, id, keys: from.maybe(() => from.list(() => from.key())) };
      case "goodbye":
        return { kind, id, reason: from.text() };
      default:
        return { kind, id };
    }
  })();
  from.end();
  return reply;
}

function begin(kind: number, id: number): ByteWriter {
  const out = new ByteWriter();
  out.u32(0);
  out.u8(VERSION);
  out.u8(kind);
  out.u32(id);
  return out;
}

function finish(out: ByteWriter): Uint8Array<ArrayBuffer> {
  out.patch(0, out.length - 4);
  return out.take();
}

function open<K>(
  bytes: Uint8Array,
  kinds: readonly K[],
): { from: ByteReader; kind: K; id: number } {
  const from = new ByteReader(bytes);
  const version = from.u8();
  if (version !== VERSION) {
    throw badFrame(`it is of version ${version}, this is version ${VERSION}`);
  }
  const number = from.u8();
  const kind = kinds[number];
  if (kind === undefined) throw badFrame(`it is of the unknown kind ${number}`);
  return { from, kind, id: from.u32() };
}

function errorRecord(text: string): ErrorRecord {
  try {
    const record = parseErrorRecord(JSON.parse(text));
    if (record !== undefined) return record;
  } catch {
    // As below.
  }
  throw badFrame("an error in it is no error");
}
