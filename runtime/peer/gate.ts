/**
 * Decides from the head of a request whether it comes from a box of this deployment. The body is not read for that: its
 * digest is part of what was signed.
 *
 * @module
 */

import { readAddress } from "./address.ts";
import { pathOf, readCredential, readVersion, requestText, USED } from "./credential.ts";
import type { Keyring } from "./keyring.ts";
import { areEqual, digestOf, type MacKey } from "./mac.ts";
import type { ReplayGuard } from "./replay.ts";
import { WIRE_VERSION } from "./wire.ts";

/** A request that is refused. */
export interface Refusal {
  /** Its HTTP status. */
  status: number;
  /** Why, for the other box's message. */
  reason: string;
}

/** A request whose head is good. */
export interface Admitted {
  /** What the sender calls itself. */
  from: string;
  /** Time that the sender waits, in milliseconds. */
  timeoutMs: number | undefined;
  /** The digest that its body must have. */
  digest: string;
  /** The key that signed it, with which the answer is signed as well. */
  key: MacKey;
  /** Its signature, to which the answer is bound. */
  signature: string;
}

/** What {@linkcode Gate} goes by. */
export interface GateOptions {
  /** The keys. */
  keyring: Keyring;
  /** What was seen before. */
  replay: ReplayGuard;
  /** So far clocks may differ, in milliseconds. */
  clockSkewMs: number;
  /** Addresses of this box; with none, a credential for another box cannot be told from one for this. */
  self: readonly string[];
  /** The clock, in milliseconds since the epoch. */
  now: () => number;
}

/** Looks at requests before they come in. */
export class Gate {
  readonly #options: GateOptions;
  readonly #self: ReadonlySet<string>;

  /** Takes what it goes by. */
  constructor(options: GateOptions) {
    this.#options = options;
    this.#self = new Set(options.self.map((text) => readAddress(text)?.name ?? text));
  }

  /** Looks at the head of a request. Its credential is used up then, whatever becomes of the request. */
  admit(request: Request): Admitted | Refusal {
    const { keyring, replay } = this.#options;
    const authorization = request.headers.get("authorization");
    if (authorization === null) return unauthorised("there is no credential");
    const version = readVersion(authorization);
    if (version !== undefined && version !== WIRE_VERSION) {
      return {
        status: 426,
        reason: `this box speaks version ${WIRE_VERSION} of the wire format, and not ${version}`,
      };
    }
    const credential = readCredential(authorization);
    if (credential === undefined) return unauthorised("the credential cannot be read");
    const key = keyring.find(credential.keyId);
    if (key === undefined) return unauthorised("it is signed with a secret that is not known here");
    const text = requestText(request.method, pathOf(request.url), credential.text);
    if (!key.accepts(text, credential.signature)) return unauthorised("the signature is wrong");
    const fault = this.#timeFault(credential.time) ?? this.#receiverFault(credential.to);
    if (fault !== undefined) return unauthorised(fault);
    const verdict = replay.admit(credential.sender, credential.count, credential.time);
    if (verdict === "full") return { status: 503, reason: "too many senders are known here" };
    if (verdict === "seen") return unauthorised(USED);
    const { from, timeoutMs, digest, signature } = credential;
    return { from, timeoutMs, digest, key, signature };
  }

  #timeFault(time: number): string | undefined {
    const { clockSkewMs, now } = this.#options;
    const ahead = time - now();
    if (Math.abs(ahead) <= clockSkewMs) return undefined;
    const side = ahead > 0 ? "ahead of" : "behind";
    return `the sender's clock is ${inSeconds(Math.abs(ahead))} ${side} this box's, and ` +
      `${inSeconds(clockSkewMs)} are allowed`;
  }

  #receiverFault(to: string): string | undefined {
    if (this.#self.size === 0 || this.#self.has(to)) return undefined;
    return `the credential is for ${to}, and this box is ${[...this.#self].join(", ")}`;
  }
}

/** Whether a body is the one that was signed. */
export function isSigned(body: Uint8Array, { digest }: Admitted): boolean {
  return areEqual(digestOf(body), digest);
}

/** A credential that is not good. */
export function unauthorised(reason: string): Refusal {
  return { status: 401, reason };
}

function inSeconds(ms: number): string {
  return `${Math.round(ms / 100) / 10} s`;
}
