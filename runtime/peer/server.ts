/**
 * The receiving end of calls between boxes.
 *
 * @module
 */

import { messageOf, RuntimeError } from "../errors.ts";
import { Answers, streamValues } from "./answers.ts";
import { answerHead, REFUSED, streamText, TANDEM } from "./credential.ts";
import { Deadlines } from "./deadlines.ts";
import { FrameWriter } from "./frames.ts";
import { type Admitted, type Gate, isSigned, type Refusal, unauthorised } from "./gate.ts";
import { type Keyring, signAnswer } from "./keyring.ts";
import { drop, readBody } from "./read_body.ts";
import { decode, encode, WIRE_VERSION } from "./wire.ts";

/** So long a body may take to arrive, in milliseconds. */
const LONGEST_BODY_MS = 10_000;
const WIRE = `wire=${WIRE_VERSION}`;

/** A call from another box. */
export interface PeerCall {
  /** What it sent. */
  readonly value: unknown;
  /** What it calls itself. */
  readonly from: string;
  /** Time that it waits, in milliseconds. */
  readonly timeoutMs: number | undefined;
  /** Aborts when it has gone before it got its answer. */
  readonly signal: AbortSignal;
}

/** Turns a call into the value that answers it, or into {@linkcode Answers}. */
export type PeerHandler = (call: PeerCall) => Promise<unknown>;

/** How {@linkcode PeerServer} answers. */
export interface PeerServerOptions {
  /** The keys; without one there is nothing to be reached. */
  keyring: Keyring;
  /** Decides who may come in. */
  gate: Gate;
  /** Largest call, in bytes. */
  maxMessageBytes: number;
  /** Largest answer, in bytes. */
  maxAnswerBytes: number;
  /** So long a body may take to arrive, in milliseconds. @default 10000 */
  longestBodyMs?: number;
  /**
   * Makes the value that is answered in place of one that cannot travel, or that is too large (`RESULT_TOO_LARGE`), or that
   * the handler failed to give. @default none: the answer is a status of 500
   */
  onUnencodable?: (error: unknown) => unknown;
}

/** A request of a box of this deployment. */
export interface Verified {
  /** What the box calls itself. */
  from: string;
  /** Time that it waits, in milliseconds. */
  timeoutMs: number | undefined;
}

/** Answers calls of other boxes. */
export class PeerServer {
  readonly #options: Required<PeerServerOptions>;
  readonly #deadlines = new Deadlines();

  /** Takes keys, limits and what becomes of values that cannot travel. */
  constructor(options: PeerServerOptions) {
    this.#options = {
      longestBodyMs: LONGEST_BODY_MS,
      onUnencodable: (error) => {
        throw error;
      },
      ...options,
    };
  }

  /**
   * Answers a call: checks its credential, reads it, lets `handle` make its value, and signs that. It never rejects.
   *
   * Whatever is wrong with the call is a status with a short reason in the body: 400 not a value, 401 no credential that is
   * good here, 404 there are no secrets, 405 not a POST, 408 the body came too slowly, 413 too large, 426 another version.
   */
  async answer(request: Request, handle: PeerHandler): Promise<Response> {
    if (this.#options.keyring.isEmpty) return await closed(request);
    if (request.method !== "POST") {
      return await refuse({ status: 405, reason: "a call is a POST" }, request, { allow: "POST" });
    }
    const admitted = this.#options.gate.admit(request);
    if ("status" in admitted) return await refuse(admitted, request);
    const body = await this.#read(request);
    if ("status" in body) return await refuse(body);
    if (!isSigned(body, admitted)) {
      return await refuse(unauthorised("the body is not what was signed"));
    }
    let value: unknown;
    try {
      value = decode(body, admitted.from);
    } catch (error) {
      return await refuse({ status: 400, reason: messageOf(error) });
    }
    const call = new Arrived(value, admitted, request);
    const answer = await this.#handle(call, handle);
    if (answer instanceof Answers) return this.#stream(answer, admitted, call);
    call.end();
    return answer instanceof Uint8Array ? sign(answer, admitted) : await refuse(answer);
  }

  /**
   * Checks the credential of a request of any method and path, without answering it.
   *
   * @param read Brings the bytes of the body, none where there is none; called only if the head is good.
   * @returns Who sent it, or the answer of a request that is refused.
   * @throws What `read` throws.
   */
  async verify(request: Request, read: () => Promise<Uint8Array>): Promise<Verified | Response> {
    if (this.#options.keyring.isEmpty) return await closed();
    const admitted = this.#options.gate.admit(request);
    if ("status" in admitted) return await refuse(admitted);
    if (!isSigned(await read(), admitted)) {
      return await refuse(unauthorised("the body is not what was signed"));
    }
    return { from: admitted.from, timeoutMs: admitted.timeoutMs };
  }

  async #read(request: Request): Promise<Uint8Array | Refusal> {
    const { maxMessageBytes, longestBodyMs } = this.#options;
    const late = Promise.withResolvers<Refusal>();
    const deadline = this.#deadlines.start(longestBodyMs, () => {
      late.resolve({ status: 408, reason: `the body did not come within ${longestBodyMs} ms` });
    });
    try {
      const body = await Promise.race([readBody(request, maxMessageBytes), late.promise]);
      return body ?? { status: 413, reason: `at most ${maxMessageBytes} bytes are taken` };
    } catch (error) {
      // Nobody is there any more to read this.
      return { status: 400, reason: `the body ended early: ${messageOf(error)}` };
    } finally {
      deadline.end();
    }
  }

  #stream(answers: Answers, { key, signature }: Admitted, call: Arrived): Response {
    const body = streamValues(answers, {
      frames: new FrameWriter(key, signature),
      encode: (value) => this.#encode(value),
      leave: () => call.leave(),
      end: () => call.end(),
    });
    return respond(body, key.sign(streamText(signature, 200)));
  }

  async #handle(
    call: PeerCall,
    handle: PeerHandler,
  ): Promise<Uint8Array<ArrayBuffer> | Answers | Refusal> {
    try {
      const answer = await handle(call);
      return answer instanceof Answers ? answer : this.#encode(answer);
    } catch (error) {
      try {
        return this.#encode(await this.#options.onUnencodable(error));
      } catch (error) {
        return { status: 500, reason: messageOf(error) };
      }
    }
  }

  #encode(value: unknown): Uint8Array<ArrayBuffer> {
    const { maxAnswerBytes } = this.#options;
    const bytes = encode(value);
    if (bytes.length <= maxAnswerBytes) return bytes;
    throw new RuntimeError(
      "RESULT_TOO_LARGE",
      `Cannot answer another box: the answer has ${bytes.length} bytes, and at most ${maxAnswerBytes} are allowed`,
    );
  }
}

/** A call whose signal is made when it is asked for: few do, and it takes time. */
class Arrived implements PeerCall {
  readonly value: unknown;
  readonly from: string;
  readonly timeoutMs: number | undefined;
  readonly #request: Request;
  #abort: AbortController | undefined;
  #hasEnded = false;
  #hasLeft = false;
  readonly #leave = () => this.#abort!.abort(new DOMException("The caller has gone", "AbortError"));

  constructor(value: unknown, { from, timeoutMs }: Admitted, request: Request) {
    this.value = value;
    this.from = from;
    this.timeoutMs = timeoutMs;
    this.#request = request;
  }

  get signal(): AbortSignal {
    if (this.#abort === undefined) {
      this.#abort = new AbortController();
      const { signal } = this.#request;
      if (this.#hasLeft || (signal.aborted && !this.#hasEnded)) this.#leave();
      else if (!this.#hasEnded) signal.addEventListener("abort", this.#leave);
    }
    return this.#abort.signal;
  }

  /** Its sender has gone. */
  leave(): void {
    if (this.#hasEnded) return;
    this.#hasLeft = true;
    if (this.#abort !== undefined) this.#leave();
  }

  /** A request's own signal may also abort when it has been answered. */
  end(): void {
    this.#hasEnded = true;
    if (this.#abort !== undefined) this.#request.signal.removeEventListener("abort", this.#leave);
  }
}

function sign(body: Uint8Array<ArrayBuffer>, { key, signature }: Admitted): Response {
  return respond(body, signAnswer(key, signature, 200, body));
}

function respond(body: BodyInit, signature: string): Response {
  return new Response(body, {
    headers: { "content-type": "application/octet-stream", [TANDEM]: answerHead(signature) },
  });
}

async function refuse(
  { status, reason }: Refusal,
  request?: Request,
  more?: Record<string, string>,
): Promise<Response> {
  if (request !== undefined) await drop(request.body);
  const text = reason.replace(/[^\x20-\x7e]/g, "?").slice(0, 500);
  return new Response(`${text}\n`, {
    status,
    headers: { "content-type": "text/plain", [TANDEM]: WIRE, [REFUSED]: text, ...more },
  });
}

/** As if there were nothing here. */
async function closed(request?: Request): Promise<Response> {
  if (request !== undefined) await drop(request.body);
  return new Response("404 Not Found", { status: 404 });
}
