/**
 * Calls functions of another box as if they were functions of this program.
 *
 * It speaks the wire format, which only Deno and Node can read safely enough: it is no client for browsers, whose
 * programs call with `params` and get JSON.
 *
 * @module
 */

import { checkFields, checkNumber, fail, given } from "../checks.ts";
import { fromErrorRecord, messageOf, parseErrorRecord, RuntimeError } from "../errors.ts";
import { decode, encode } from "../peer/wire.ts";
import type { RpcClient, RpcClientOptions } from "../types/rpc.ts";
import { dismiss, readBytes } from "./bytes.ts";
import {
  RESERVED_NAMES,
  RPC_PATH,
  TIMEOUT_HEADER,
  WIRE_ERROR_TYPE,
  WIRE_TYPE,
} from "./protocol.ts";

/** What holds for a client unless it is told otherwise. */
export const CLIENT_DEFAULTS = Object.freeze({ timeoutMs: 30_000, maxAnswerBytes: 64 << 20 });

const OPTIONS = ["password", "timeoutMs", "signal", "fetch", "headers", "maxAnswerBytes"];
const SHOWN_CHARACTERS = 200;
/** Statuses whose answers have no body. */
const WITHOUT_BODY: ReadonlySet<number> = new Set([204, 205]);

/** A client, filled in. */
interface Caller {
  /** Where functions are, with a slash at the end. */
  base: string;
  /** Who is called, for messages. */
  host: string;
  headers: Headers;
  timeoutMs: number;
  maxAnswerBytes: number;
  signal: AbortSignal | undefined;
  fetch: NonNullable<RpcClientOptions["fetch"]>;
}

/**
 * Makes a client of the functions of another box, with the types of its rpc document and no code generated:
 * `rpc<typeof import("./rpc.ts")>(url, { password })`. Each call is one POST; nothing is sent before the first, and
 * no answer is believed that comes by a redirect.
 *
 * Arguments and values are what structured clone can carry, save what cannot leave a process. A call rejects with
 * the function's own error: its class, `code` and `cause`, without its stack. Otherwise with a `RuntimeError` whose code
 * says how far the call has come:
 *
 * - `UNREACHABLE_PEER`: there was no connection, and nothing has run
 * - `PEER_UNAUTHORISED`: the password is none of the box's
 * - `QUEUE_FULL`, `QUEUE_TIMEOUT`, `STOPPING`: the box has not run the function
 * - `DEADLINE_EXCEEDED`, `PEER_LOST`: the time was up or the connection ended; it may have run
 * - `PEER_BAD_ANSWER`, `PEER_VERSION`: what answered is no box, or one of another version
 * - `RESULT_TOO_LARGE`: the answer is above `maxAnswerBytes`, or above `maxResultBytes` of the box
 *
 * A function that itself throws an error with such a code cannot be told from that.
 *
 * Values are decoded by V8, which trusts what it reads: call boxes that you trust, over `https:` or loopback.
 *
 * @typeParam M The document's module.
 * @param url Address of the box, with the path below which it stands, if there is one.
 * @throws {TypeError} If the URL or an option is not what it must be.
 * @throws {RangeError} If a number is out of range.
 *
 * @example Usage
 * ```ts
 * import assert from "node:assert/strict";
 * import { rpc } from "@tandem/tandem";
 *
 * const sums = rpc<{ add(a: number, b: number): number }>("http://127.0.0.1:65535", { timeoutMs: 2000 });
 * await assert.rejects(sums.add(1, 2), { code: "UNREACHABLE_PEER" });
 * ```
 */
export function rpc<M>(url: string | URL, options: RpcClientOptions = {}): RpcClient<M> {
  const caller = readCaller(url, options);
  const made: Record<string, unknown> = Object.create(null);
  return new Proxy(made, {
    get(_target, name) {
      // Whoever awaits, prints or encodes the client looks for these.
      if (typeof name !== "string" || RESERVED_NAMES.has(name)) return undefined;
      return made[name] ??= (...args: unknown[]) => call(caller, name, args);
    },
    set: () => false,
    defineProperty: () => false,
    deleteProperty: () => false,
  }) as RpcClient<M>;
}

function readCaller(url: string | URL, options: RpcClientOptions): Caller {
  const { protocol, host, pathname, search, hash, username, password: secret } = readUrl(url);
  if (!/^https?:$/.test(protocol) || search + hash + username + secret !== "") {
    throw new TypeError(
      `Cannot call functions at ${
        given(String(url))
      }: an http: or https: URL without user, query and fragment is needed`,
    );
  }
  checkFields("options", options, OPTIONS);
  const { password, signal, fetch = globalThis.fetch } = options;
  const { timeoutMs = CLIENT_DEFAULTS.timeoutMs, maxAnswerBytes = CLIENT_DEFAULTS.maxAnswerBytes } =
    options;
  checkNumber("timeoutMs", timeoutMs, 1);
  checkNumber("maxAnswerBytes", maxAnswerBytes, 1);
  if (typeof fetch !== "function") fail("fetch", "a function", fetch);
  if (signal !== undefined && !(signal instanceof AbortSignal)) fail("signal", "a signal", signal);
  const headers = new Headers(options.headers);
  if (password !== undefined) {
    if (typeof password !== "string" || !/^[!-~](?:[ -~]*[!-~])?$/.test(password)) {
      // What was given stays out of the message.
      throw new TypeError(
        'Cannot use option "password": visible ASCII is needed, since it travels in a header',
      );
    }
    headers.set("authorization", `Bearer ${password}`);
  }
  headers.set("content-type", WIRE_TYPE);
  headers.set(TIMEOUT_HEADER, String(timeoutMs));
  const base = `${protocol}//${host}${pathname.replace(/\/+$/, "")}${RPC_PATH}`;
  return { base, host, headers, timeoutMs, maxAnswerBytes, signal, fetch };
}

function readUrl(url: string | URL): URL {
  if (URL.canParse(String(url))) return new URL(url);
  throw new TypeError(`Cannot call functions at ${given(url)}: a URL is needed`);
}

/** Calls one function; settles within the time limit whatever the other side does. */
async function call(caller: Caller, name: string, args: unknown[]): Promise<unknown> {
  const { timeoutMs, signal, host } = caller;
  const cannot = `Cannot call "${name}" of ${host}`;
  signal?.throwIfAborted();
  const body = encode(args) as Uint8Array<ArrayBuffer>;
  const abort = new AbortController();
  const late = new RuntimeError(
    "DEADLINE_EXCEEDED",
    `${cannot}: no whole answer within ${timeoutMs} ms; the function may have run`,
  );
  const timer = setTimeout(() => abort.abort(late), timeoutMs);
  const cancel = () => abort.abort(signal!.reason);
  signal?.addEventListener("abort", cancel, { once: true });
  const ended = new Promise<never>((_, reject) => {
    abort.signal.addEventListener("abort", () => reject(abort.signal.reason), { once: true });
  });
  ended.catch(isThrownBelow);
  try {
    const answered = exchange(caller, name, body, abort.signal, cannot);
    answered.catch(isThrownBelow);
    return await Promise.race([answered, ended]);
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener("abort", cancel);
  }
}

async function exchange(
  { base, host, headers, fetch, maxAnswerBytes }: Caller,
  name: string,
  body: Uint8Array<ArrayBuffer>,
  signal: AbortSignal,
  cannot: string,
): Promise<unknown> {
  const url = `${base}${encodeURIComponent(name)}?output=3`;
  let response: Response;
  try {
    response = await fetch(url, { method: "POST", headers, body, signal, redirect: "manual" });
  } catch (error) {
    throw signal.aborted ? error : lost(cannot, error);
  }
  const type = response.headers.get("content-type");
  const isError = type === WIRE_ERROR_TYPE;
  if (type !== WIRE_TYPE && !isError) return await readOther(response, cannot);
  let bytes: Awaited<ReturnType<typeof readBytes>>;
  try {
    // The signal ends it in time.
    bytes = await readBytes(response, maxAnswerBytes, Infinity);
  } catch (error) {
    throw signal.aborted ? error : lost(cannot, error);
  }
  if (typeof bytes === "string") {
    throw new RuntimeError(
      "RESULT_TOO_LARGE",
      `${cannot}: its answer is above maxAnswerBytes (${maxAnswerBytes})`,
    );
  }
  const value = decode(bytes, host);
  if (!isError) return value;
  const record = parseErrorRecord(value);
  if (record === undefined) throw badAnswer(cannot, "an error that is none");
  throw fromErrorRecord(record);
}

/** What is no value and no error of a function. */
async function readOther(response: Response, cannot: string): Promise<undefined> {
  const { status, headers, body } = response;
  if (WITHOUT_BODY.has(status)) return undefined;
  if (status === 401) {
    dismiss(body);
    throw new RuntimeError(
      "PEER_UNAUTHORISED",
      `${cannot}: the box does not accept the password, or was given none`,
    );
  }
  const to = headers.get("location");
  if (status >= 300 && status < 400) {
    dismiss(body);
    throw badAnswer(
      cannot,
      `status ${status}, and redirects are not followed${to ? ` (${to})` : ""}`,
    );
  }
  const text = await readBytes(response, SHOWN_CHARACTERS * 16, Infinity).catch(() => "late");
  const shown = typeof text === "string" ? "" : new TextDecoder().decode(text);
  throw badAnswer(
    cannot,
    `status ${status}${shown === "" ? "" : `: ${shown.slice(0, SHOWN_CHARACTERS)}`}`,
  );
}

/** Tells a connection that never was from one that was lost. */
function lost(cannot: string, cause: unknown): unknown {
  if (!(cause instanceof TypeError) && !isBroken(cause)) return cause;
  const why = `${messageOf(cause)} ${messageOf((cause as Error).cause)}`;
  // The only signs that Deno gives.
  return /\(Connect\)|Requests to port \d+ are blocked/.test(why)
    ? new RuntimeError("UNREACHABLE_PEER", `${cannot}: there is no connection to it`, { cause })
    : new RuntimeError(
      "PEER_LOST",
      `${cannot}: the connection ended before its answer was whole; it may have run`,
      { cause },
    );
}

function isBroken(error: unknown): boolean {
  const { ConnectionReset, ConnectionAborted, BrokenPipe, UnexpectedEof, Http } = Deno.errors;
  return [ConnectionReset, ConnectionAborted, BrokenPipe, UnexpectedEof, Http].some((kind) =>
    error instanceof kind
  );
}

function badAnswer(cannot: string, what: string): RuntimeError {
  return new RuntimeError("PEER_BAD_ANSWER", `${cannot}: it answered with ${what}`);
}

/** Whoever calls hears of it by the race. */
function isThrownBelow(): void {}
