/**
 * The calling end of calls between boxes.
 *
 * @module
 */

import { given, LONGEST_TIMER_MS } from "../checks.ts";
import { AllowList, type PeerAddress } from "./address.ts";
import { signatureOf } from "./answer_head.ts";
import { LONGEST_NAME, pathOf } from "./credential.ts";
import { Deadlines } from "./deadlines.ts";
import { badAnswer, lost, ofFetch, PeerError, tooLate } from "./failures.ts";
import { acceptsAnswer, type Keyring, type Signed } from "./keyring.ts";
import { drop, readBody } from "./read_body.ts";
import { readValues } from "./read_values.ts";
import { decode, encode, Encoded } from "./wire.ts";

/** Time for a call that names none, in milliseconds. */
export const DEFAULT_TIMEOUT_MS = 5000;
/** Calls of one box that are under way at once. */
const MOST_CALLS = 1024;
/** Connections to one box that are kept open for later. */
const KEPT_CONNECTIONS = 128;
/** So long they are kept, in milliseconds. */
const KEPT_MS = 30_000;

/** How a call is made. */
export interface CallOptions {
  /** Time for all of it, in milliseconds, above 0. @default 5000 */
  timeoutMs?: number;
  /** Gives the call up when it aborts. The other box's handler learns of it when it listens to its own signal. */
  signal?: AbortSignal;
  /** What this box calls itself. @default the first of `peers.self`, else nothing */
  from?: string;
}

/** How a call is made that is answered with several values. */
export interface StreamOptions extends CallOptions {
  /** Takes each value as it comes; what it throws ends the call. */
  onValue: (value: unknown) => void;
  /** Values that may come at most. */
  mostValues: number;
}

/** Reads the answer of a call, whose head was signed so. */
type ReadAnswer<T> = (response: Response, signed: Signed, signature: string) => Promise<T>;

/** What {@linkcode PeerClient} goes by. */
export interface PeerClientOptions {
  /** The keys. */
  keyring: Keyring;
  /** Boxes that may be called. */
  allow: readonly string[];
  /** What this box calls itself unless a call says otherwise. */
  from: string;
  /** Largest call, in bytes. */
  maxMessageBytes: number;
  /** Largest answer, in bytes. */
  maxAnswerBytes: number;
  /** Calls of one box that are under way at once at most; each holds a connection. @default 1024 */
  mostCalls?: number;
}

/** Calls other boxes. */
export class PeerClient {
  readonly #options: PeerClientOptions;
  readonly #allow: AllowList;
  readonly #mostCalls: number;
  /** What is under way, by the name of the box. */
  readonly #open = new Map<string, Set<AbortController>>();
  readonly #deadlines = new Deadlines();
  #http: Deno.HttpClient | undefined;
  #isClosed = false;

  /**
   * Takes keys and limits.
   *
   * @throws {TypeError} If an entry of `allow` is no name of a box.
   */
  constructor(options: PeerClientOptions) {
    this.#options = options;
    this.#mostCalls = options.mostCalls ?? MOST_CALLS;
    this.#allow = new AllowList(options.allow);
  }

  /**
   * Sends a value to a box and resolves to the value that it answers. No call is made twice, and no redirect is followed.
   *
   * @param path Where to, beginning with a slash.
   * @param value The value, or what {@linkcode PeerClient.encode} made of it before.
   * @throws {PeerError} `PEER_DENIED`, `PERMISSION_MISSING`, `QUEUE_FULL`, `UNREACHABLE_PEER` or `STOPPING` before
   * anything has run; `PEER_UNAUTHORISED` when the box refuses the credential; `PEER_VERSION`, `PEER_BAD_ANSWER`, `PEER_LOST`
   * or `DEADLINE_EXCEEDED` when it may have run. Its `mayHaveRun` tells which.
   * @throws {DOMException} `DataCloneError` if the value cannot travel.
   * @throws {RangeError} If it has more than `maxMessageBytes`, or `timeoutMs` is no time.
   * @throws The reason of `signal` when it aborts.
   */
  call(
    address: PeerAddress,
    path: string,
    value: unknown,
    options: CallOptions = {},
  ): Promise<unknown> {
    return this.#send(
      address,
      path,
      value,
      options,
      (response, signed, signature) => this.#read(address, response, signed, signature),
    );
  }

  /**
   * Sends a value to a box that answers with several, each as soon as it has it; resolves when it has said that there are no more.
   * Each may have `maxAnswerBytes`.
   *
   * @throws As {@linkcode PeerClient.call}; what has come until then has come.
   */
  stream(
    address: PeerAddress,
    path: string,
    value: unknown,
    { onValue, mostValues, ...options }: StreamOptions,
  ): Promise<void> {
    const { maxAnswerBytes } = this.#options;
    const limits = { mostValues, maxValueBytes: maxAnswerBytes };
    return this.#send(
      address,
      path,
      value,
      options,
      (response, signed, signature) =>
        readValues(address, response, { signed, signature, limits, onValue }),
    );
  }

  /**
   * Encodes a value that is to be sent to a box later.
   *
   * @throws {DOMException} `DataCloneError` if it cannot travel.
   * @throws {RangeError} If it has more than `maxMessageBytes`.
   */
  encode(address: PeerAddress, value: unknown): Encoded {
    return new Encoded(this.#encode(address, value));
  }

  /** Ends the calls that are under way with `STOPPING`, and all connections. */
  close(): void {
    this.#isClosed = true;
    const reason = stopping("it ended while the call was under way", true);
    for (const open of this.#open.values()) {
      for (const ending of open) ending.abort(reason);
    }
    this.#http?.close();
    this.#http = undefined;
  }

  async #send<T>(
    address: PeerAddress,
    path: string,
    value: unknown,
    options: CallOptions,
    read: ReadAnswer<T>,
  ): Promise<T> {
    const { timeoutMs = DEFAULT_TIMEOUT_MS, signal, from = this.#options.from } = options;
    this.#check(address, path, timeoutMs, from);
    signal?.throwIfAborted();
    const body = value instanceof Encoded ? value.bytes : this.#encode(address, value);
    const { href } = new URL(address.origin + path);
    const signed = this.#options.keyring.sign({
      method: "POST",
      path: pathOf(href),
      body,
      to: address.name,
      from,
      timeoutMs,
    });
    const ending = new AbortController();
    const deadline = this.#deadlines.start(
      timeoutMs,
      () => ending.abort(tooLate(address, timeoutMs)),
    );
    const giveUp = () => ending.abort(signal!.reason);
    signal?.addEventListener("abort", giveUp);
    const open = this.#openTo(address).add(ending);
    try {
      return await this.#exchange(address, href, body, signed, ending.signal, read);
    } catch (error) {
      throw ending.signal.aborted ? ending.signal.reason : error;
    } finally {
      open.delete(ending);
      if (open.size === 0) this.#open.delete(address.name);
      signal?.removeEventListener("abort", giveUp);
      deadline.end();
    }
  }

  #check(address: PeerAddress, path: string, timeoutMs: number, from: string): void {
    const { name } = address;
    if (this.#isClosed) throw stopping("it takes no new calls", false);
    if (!path.startsWith("/") || path.includes("#")) {
      throw new TypeError(
        `Cannot call ${name}: a path that begins with a slash is needed, and ${
          given(path)
        } was given`,
      );
    }
    if (!(timeoutMs > 0 && timeoutMs <= LONGEST_TIMER_MS)) {
      throw new RangeError(
        `Cannot call ${name}: a time above 0 and of at most ${LONGEST_TIMER_MS} ms is needed, and ${timeoutMs} was given`,
      );
    }
    if (from.length > LONGEST_NAME || !from.isWellFormed()) {
      throw new TypeError(
        `Cannot call ${name}: the sender needs a name of at most ${LONGEST_NAME} characters, and ${
          given(from)
        } was given`,
      );
    }
    if (this.#options.keyring.isEmpty) {
      throw denied(`this box has no secret to sign with; name one in "peers.secrets"`, name);
    }
    if (!this.#allow.allows({ kind: "remote", address })) {
      throw denied(`"peers.allow" does not name it`, name);
    }
    const most = this.#mostCalls;
    if ((this.#open.get(name)?.size ?? 0) < most) return;
    throw new PeerError(
      "QUEUE_FULL",
      `Cannot call ${name}: ${most} of ${most} calls of that box are under way`,
      { mayHaveRun: false },
    );
  }

  #openTo({ name }: PeerAddress): Set<AbortController> {
    let open = this.#open.get(name);
    if (open === undefined) this.#open.set(name, open = new Set());
    return open;
  }

  #encode({ name }: PeerAddress, value: unknown): Uint8Array<ArrayBuffer> {
    const { maxMessageBytes } = this.#options;
    const body = encode(value);
    if (body.length <= maxMessageBytes) return body;
    throw new RangeError(
      `Cannot call ${name}: the message has ${body.length} bytes, and at most ${maxMessageBytes} are allowed`,
    );
  }

  async #exchange<T>(
    address: PeerAddress,
    href: string,
    body: Uint8Array<ArrayBuffer>,
    signed: Signed,
    signal: AbortSignal,
    read: ReadAnswer<T>,
  ): Promise<T> {
    this.#http ??= Deno.createHttpClient({
      poolMaxIdlePerHost: KEPT_CONNECTIONS,
      poolIdleTimeout: KEPT_MS,
    });
    let response: Response;
    try {
      response = await fetch(href, {
        method: "POST",
        body,
        // Nobody packs the answer then, and what came is what was signed.
        headers: { ...signed.headers, "accept-encoding": "identity" },
        redirect: "manual",
        client: this.#http,
        signal,
      });
    } catch (error) {
      throw ofFetch(address, error);
    }
    const signature = signatureOf(address, response);
    if (typeof signature === "string") {
      return await read(response, signed, signature);
    }
    await drop(response.body);
    throw signature;
  }

  async #read(
    address: PeerAddress,
    response: Response,
    signed: Signed,
    signature: string,
  ): Promise<unknown> {
    const { maxAnswerBytes } = this.#options;
    let bytes: Uint8Array | undefined;
    try {
      bytes = await readBody(response, maxAnswerBytes);
    } catch (error) {
      throw lost(address, error);
    }
    if (bytes === undefined) {
      throw badAnswer(address, `it has more than the ${maxAnswerBytes} bytes that are allowed`);
    }
    if (!acceptsAnswer(signed, response.status, bytes, signature)) {
      throw badAnswer(address, "it is not signed with the secret of the call, or was changed");
    }
    return decode(bytes, address.name);
  }
}

function denied(why: string, name: string): PeerError {
  return new PeerError("PEER_DENIED", `Cannot call ${name}: ${why}`, { mayHaveRun: false });
}

function stopping(why: string, mayHaveRun: boolean): PeerError {
  return new PeerError("STOPPING", `Cannot call another box: this box is stopping; ${why}`, {
    mayHaveRun,
  });
}
