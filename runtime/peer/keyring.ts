/**
 * The secrets of a deployment: the first one signs, all of them are accepted, so that they can be changed without a gap.
 *
 * @module
 */

import { answerText, authorizationOf, credentialText, requestText } from "./credential.ts";
import { digestOf, MacKey } from "./mac.ts";

const SENDER_BYTES = 16;

/** A request that is to be signed. */
export interface Unsigned {
  /** Its method, in capital letters. */
  method: string;
  /** Its path and query, as they will stand in the request. */
  path: string;
  /** Its body; without one, no bytes. */
  body: Uint8Array;
  /** The receiver, `host:port`. */
  to: string;
  /** What this box calls itself. */
  from: string;
  /** Time that the caller waits, in milliseconds. */
  timeoutMs?: number;
}

/** A request that was signed. */
export interface Signed {
  /** The headers that it needs. */
  readonly headers: { readonly authorization: string };
  /** The key that signed it. */
  readonly key: MacKey;
  /** The signature. */
  readonly signature: string;
}

/** The keys of this box. */
export class Keyring {
  /** Names this process in what it signs. */
  readonly sender: string = crypto.getRandomValues(new Uint8Array(SENDER_BYTES)).toHex();
  readonly #keys = new Map<string, MacKey>();
  readonly #now: () => number;
  #first: MacKey | undefined;
  #count = 0;

  /** Takes the secrets and the clock, which tells milliseconds since the epoch. */
  constructor(secrets: readonly string[], now: () => number = Date.now) {
    this.#now = now;
    for (const secret of secrets) {
      const key = new MacKey(secret);
      this.#first ??= key;
      this.#keys.set(key.id, key);
    }
  }

  /** Whether there is no secret at all. */
  get isEmpty(): boolean {
    return this.#first === undefined;
  }

  /** The key of that name. */
  find(keyId: string): MacKey | undefined {
    return this.#keys.get(keyId);
  }

  /**
   * Signs a request. Every call makes another credential, also for the same request.
   *
   * @throws {TypeError} If there is no secret.
   */
  sign({ method, path, body, to, from, timeoutMs }: Unsigned): Signed {
    const key = this.#first;
    if (key === undefined) {
      throw new TypeError(
        'Cannot sign a request to another box: there is no secret; name one in "peers.secrets"',
      );
    }
    const text = credentialText({
      timeoutMs,
      to,
      from,
      keyId: key.id,
      time: Math.trunc(this.#now()),
      sender: this.sender,
      count: this.#count++,
      digest: digestOf(body),
    });
    const signature = key.sign(requestText(method, path, text));
    return { headers: { authorization: authorizationOf(text, signature) }, key, signature };
  }
}

/** Signs the answer to a request. */
export function signAnswer(key: MacKey, request: string, status: number, body: Uint8Array): string {
  return key.sign(answerText(request, status, digestOf(body)));
}

/** Whether an answer to a request comes from a box that has the request's secret. */
export function acceptsAnswer(
  { key, signature }: Signed,
  status: number,
  body: Uint8Array,
  found: string,
): boolean {
  return key.accepts(answerText(signature, status, digestOf(body)), found);
}
