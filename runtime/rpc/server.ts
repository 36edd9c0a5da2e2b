/**
 * The entry's side of rpc: knows the caller, finds the parameters, hands the call to the pool and answers.
 *
 * Nothing of a body is decoded before its caller is known, save a form, which may hold the password.
 *
 * @module
 */

import { fromErrorRecord, messageOf, RuntimeError, statusOf } from "../errors.ts";
import { decode, encode } from "../peer/wire.ts";
import type { Pool } from "../pool/pool.ts";
import type { PoolTask } from "../pool/task.ts";
import type { Log } from "../types/log.ts";
import { dismiss, readBytes } from "./bytes.ts";
import { tooLarge } from "./context.ts";
import { type Arguments, parseReply, type RpcCall, type RpcReply } from "./messages.ts";
import { Parameters } from "./parameters.ts";
import { Passwords } from "./passwords.ts";
import { RPC_PATH, TIMEOUT_HEADER, WIRE_TYPE } from "./protocol.ts";
import { Refusal, respond } from "./refusal.ts";

/** How functions are served. */
export interface RpcServerOptions {
  /** Words of which a call must bring one. */
  passwords: readonly string[];
  /** Largest body of a call in bytes. */
  maxBodyBytes: number;
  /** Largest answer in bytes. */
  maxResultBytes: number;
  /** Longest time of a call in milliseconds, its way here included; 0: no limit. */
  deadlineMs: number;
  /**
   * Whether a request brings the credential of a peer, whose body is read only if its head is good; absent: boxes have no
   * secret.
   */
  isPeer?: (request: Request, read: () => Promise<Uint8Array>) => boolean | Promise<boolean>;
  /** The box's log. */
  log: Log;
}

/** A request of a caller who is known. */
interface Asked {
  name: string;
  parameters: Parameters;
  contentType: string;
  /** Whether the body is a form, so that it is no argument. */
  isForm: boolean;
  body: Uint8Array<ArrayBuffer>;
}

const NOTHING = new Uint8Array(0);
/** Statuses whose answers have no body. */
const WITHOUT_BODY: ReadonlySet<number> = new Set([204, 205, 304]);
const JSON_TYPE = "application/json";
const TEXT_TYPE = "text/plain; charset=utf-8";
const LONGEST_NAME = 256;
/** Largest form in parts of a caller who is not known yet, in bytes: to read one takes long. */
const STRANGERS_PARTS_BYTES = 1 << 18;
const TOO_LONG_PARTS =
  `Content Too Large: a form in parts may have ${STRANGERS_PARTS_BYTES} bytes unless query or header hold the password`;

/** Answers calls of the functions of a site's rpc document. */
export class RpcServer {
  readonly #pool: Pool;
  readonly #options: RpcServerOptions;
  readonly #passwords: Passwords;
  /** Names that workers have found. Others share one route, so that no caller can make routes. */
  readonly #names = new Set<string>();

  constructor(pool: Pool, options: RpcServerOptions) {
    this.#pool = pool;
    this.#options = options;
    this.#passwords = new Passwords(options.passwords);
    if (this.#passwords.some || options.isPeer !== undefined) return;
    options.log.warn("Nobody may call the functions of rpc", {
      why: 'neither option "rpc.passwords" nor "peers.secrets" is set',
    });
  }

  /** Answers a request; it never rejects. */
  async fetch(request: Request): Promise<Response> {
    const call: { asked?: Asked } = {};
    try {
      return await this.#answer(request, call);
    } catch (error) {
      const isTyped = call.asked !== undefined && wantsWire(call.asked);
      if (error instanceof Refusal) return error.response(isTyped);
      this.#options.log.error("A call could not be answered", { why: messageOf(error) });
      return new Refusal(500).response(false);
    }
  }

  async #answer(request: Request, call: { asked?: Asked }): Promise<Response> {
    const began = performance.now();
    const timeoutMs = this.#timeLimit(request);
    const asked = call.asked = await this.#admit(request, timeoutMs);
    const cannot = `Cannot call "${asked.name}"`;
    const made = this.#readCall(asked, cannot);
    const leftMs = timeoutMs === Infinity
      ? undefined
      : Math.max(1, timeoutMs - (performance.now() - began));
    let reply: RpcReply;
    try {
      reply = await this.#run(request, made, leftMs);
    } catch (error) {
      throw poolRefusal(error as Error);
    }
    return this.#respond(made, reply, cannot);
  }

  /** Finds out who calls; what is known of the call by then. */
  async #admit(request: Request, timeoutMs: number): Promise<Asked> {
    const { method, url, headers, body } = request;
    const end = url.indexOf("?");
    const name = readName(url.slice(0, end < 0 ? undefined : end));
    const refuse = (refusal: Refusal) => {
      dismiss(body);
      return refusal;
    };
    if (method !== "GET" && method !== "POST") {
      throw refuse(new Refusal(405, { headers: { allow: "GET, POST" } }));
    }
    const parameters = new Parameters(end < 0 ? "" : url.slice(end + 1).replace(/#.*$/s, ""));
    const contentType = (headers.get("content-type") ?? "").toLowerCase();
    const credential = headers.get("authorization") ?? undefined;
    const given = bearer(credential) ?? parameters.get("auth");
    let known = given !== undefined && this.#passwords.has(given);
    const isForm = body !== null && Parameters.isForm(contentType);
    const { maxBodyBytes, isPeer } = this.#options;
    let whole: Promise<Uint8Array<ArrayBuffer>> | undefined;
    const readWhole = (most = maxBodyBytes) => whole ??= this.#readBody(request, most, timeoutMs);
    // Whatever else is there, a wrong word is wrong.
    if (!known && given === undefined && credential !== undefined && isPeer !== undefined) {
      known = await isPeer(request, readWhole);
    }
    const mayFollow = given === undefined && isForm && this.#passwords.some;
    if (!known && !mayFollow) throw refuse(unauthorised());
    const isLong = !known && Parameters.isMultipart(contentType);
    const read = await readWhole(
      isLong ? Math.min(STRANGERS_PARTS_BYTES, maxBodyBytes) : undefined,
    );
    // The type of a multipart form holds the mark between its parts, as it was written.
    const type = headers.get("content-type") ?? "";
    let isParameters = false;
    let fault: Error | undefined;
    if (isForm) {
      try {
        isParameters = await parameters.addForm(type, read);
      } catch (error) {
        fault = error as Error;
      }
      const word = parameters.get("auth");
      known ||= given === undefined && word !== undefined && this.#passwords.has(word);
    }
    if (!known) throw unauthorised();
    if (name === undefined) throw new Refusal(404);
    if (fault !== undefined) throw badRequest(`Cannot call "${name}"`, messageOf(fault));
    return { name, parameters, contentType, isForm: isParameters, body: read };
  }

  async #readBody(
    request: Request,
    most: number,
    timeoutMs: number,
  ): Promise<Uint8Array<ArrayBuffer>> {
    if (request.body === null) return NOTHING;
    const { maxBodyBytes } = this.#options;
    let read: Awaited<ReturnType<typeof readBytes>>;
    try {
      read = await readBytes(request, most, timeoutMs);
    } catch {
      // The caller has gone in the middle of it, or what it sent is no body.
      throw new Refusal(400);
    }
    if (read === "large") {
      throw new Refusal(413, {
        text: most < maxBodyBytes ? TOO_LONG_PARTS : undefined,
        cause: new RangeError(
          `Cannot take the call: its body is above maxBodyBytes (${maxBodyBytes})`,
        ),
      });
    }
    if (read === "late") throw new Refusal(408);
    return read;
  }

  /** The time that the call may take: the site's, or what the caller gives if that is less. */
  #timeLimit({ headers, body }: Request): number {
    const { deadlineMs } = this.#options;
    const own = deadlineMs === 0 ? Infinity : deadlineMs;
    const given = headers.get(TIMEOUT_HEADER);
    if (given === null) return own;
    if (/^[1-9]\d{0,9}$/.test(given)) return Math.min(own, Number(given));
    dismiss(body);
    throw badRequest(
      "Cannot take the call",
      `header ${TIMEOUT_HEADER} must be milliseconds above 0`,
    );
  }

  #readCall(asked: Asked, cannot: string): RpcCall {
    const { name, parameters } = asked;
    try {
      parameters.refuseFiles();
      return {
        name,
        output: parameters.output(),
        reset: parameters.reset(),
        args: readArguments(asked),
        maxBytes: this.#options.maxResultBytes,
      };
    } catch (error) {
      throw badRequest(cannot, messageOf(error));
    }
  }

  /** Runs a call; it ends when the caller goes. */
  async #run(
    { signal }: Request,
    call: RpcCall,
    timeoutMs: number | undefined,
  ): Promise<RpcReply> {
    const task: PoolTask<RpcReply> = this.#pool.submit<RpcReply>({
      name: `function "${call.name}"`,
      route: this.#names.has(call.name) ? call.name : undefined,
      payload: () => call,
      timeoutMs,
      accept: (value) => ({ value: parseReply(value, call) }),
    });
    const gone = () => task.cancel("the caller has gone");
    if (signal.aborted) gone();
    signal.addEventListener("abort", gone, { once: true });
    try {
      const reply = await task.answer;
      if (!("refused" in reply)) this.#names.add(call.name);
      return reply;
    } finally {
      // It aborts also when the answer has been sent.
      signal.removeEventListener("abort", gone);
    }
  }

  #respond({ name, output, maxBytes }: RpcCall, reply: RpcReply, cannot: string): Response {
    if ("refused" in reply) {
      if (reply.refused === "unreadable") throw badRequest(cannot, reply.why);
      throw new Refusal(404, { cause: new TypeError(`${cannot}: there is no such function`) });
    }
    if ("unserialisable" in reply) throw unserialisable(cannot, reply.unserialisable);
    if ("thrown" in reply) {
      const { message, stack } = reply.thrown;
      this.#options.log.error("A function failed", { function: name, why: message, stack });
      const text = message === "" ? undefined : message;
      throw new Refusal(500, { text, cause: fromErrorRecord(reply.thrown) });
    }
    const { status } = reply;
    if (WITHOUT_BODY.has(status)) return respond(null, status, {});
    if ("text" in reply) {
      return respond(reply.text, status, { "content-type": output === 1 ? TEXT_TYPE : JSON_TYPE });
    }
    let bytes: Uint8Array<ArrayBuffer>;
    try {
      bytes = encode(reply.value) as Uint8Array<ArrayBuffer>;
    } catch (error) {
      throw unserialisable(cannot, messageOf(error));
    }
    if (bytes.byteLength > maxBytes) {
      const cause = tooLarge(name, "its value", maxBytes);
      throw new Refusal(500, { text: cause.message, cause });
    }
    return respond(bytes, status, { "content-type": WIRE_TYPE });
  }
}

/** Reads the name in a path, if it can be one: a path with a dot would be a file, of which callers name none. */
function readName(address: string): string | undefined {
  const path = address.slice(address.indexOf(RPC_PATH) + RPC_PATH.length);
  let name: string;
  try {
    name = decodeURIComponent(path);
  } catch {
    return undefined;
  }
  return name === "" || name.length > LONGEST_NAME || /[./]/.test(name) ? undefined : name;
}

function readArguments({ parameters, contentType, isForm, body }: Asked): Arguments {
  const named = parameters.arguments();
  if (named !== undefined) return named;
  if (body.byteLength === 0 || isForm) return { list: [] };
  if (contentType === WIRE_TYPE) {
    const list = decode(body, "the caller");
    if (Array.isArray(list)) return { list };
    throw new TypeError("the body must hold a list of arguments");
  }
  try {
    return { list: [new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(body)] };
  } catch {
    throw new TypeError("the body must be text in UTF-8");
  }
}

function wantsWire({ parameters }: Asked): boolean {
  try {
    return parameters.output() === 3;
  } catch {
    return false; // which is what is refused
  }
}

function bearer(credential: string | undefined): string | undefined {
  return credential?.match(/^bearer +(.*)$/i)?.[1];
}

function unauthorised(): Refusal {
  return new Refusal(401, { headers: { "www-authenticate": "Bearer" } });
}

function badRequest(cannot: string, why: string): Refusal {
  return new Refusal(400, {
    text: `Bad Request: ${cannot}: ${why}`,
    cause: new TypeError(`${cannot}: ${why}`),
  });
}

function unserialisable(cannot: string, why: string): Refusal {
  return new Refusal(500, {
    text: "Serialization of the return value failed",
    cause: new DOMException(`${cannot}: its value cannot travel: ${why}`, "DataCloneError"),
  });
}

/** What kept a call from being run, or from ending. */
function poolRefusal(cause: Error): Refusal {
  const status = statusOf(cause);
  const isOurs = status === 500 && cause instanceof RuntimeError;
  return new Refusal(status, { text: isOurs ? cause.message : undefined, cause });
}
