/**
 * What a box shows to another one: the texts that are signed, and the headers in which they travel.
 *
 *     authorization: Tandem wire=1; timeout=<ms>; to=<host:port>; from=<name>; <key>.<time>.<sender>.<count>.<digest>.<signature>
 *
 * `digest` is that of the body. An answer has `tandem: wire=1; signature=<signature>`, which holds for one request only.
 *
 * @module
 */

import { LONGEST_TIMER_MS } from "../checks.ts";
import { WIRE_VERSION } from "./wire.ts";

/** The header of an answer that names the version, and signs. */
export const TANDEM = "tandem";
/** The header that says why a request was refused. */
export const REFUSED = "tandem-refused";
/** What it says of a credential that came a second time: then the first one may have been handled. */
export const USED = "the credential was used before";
/** Most characters of a sender's name. */
export const LONGEST_NAME = 255;

const CREDENTIAL =
  /^Tandem (wire=\d{1,6}; timeout=(\d{0,10}); to=([^;\s]{0,255}); from=([^;\s]{0,2300}); ([0-9a-f]{16})\.(\d{1,15})\.([0-9a-f]{32})\.(\d{1,15})\.([0-9a-f]{64}))\.([0-9a-f]{64})$/;
const REQUEST_VERSION = /^Tandem wire=(\d{1,6});/;
const ANSWER = /^wire=(\d{1,6})(?:; signature=([0-9a-f]{64}))?$/;
const ANSWER_VERSION = /^wire=(\d{1,6})(?:;|$)/;

/** What the `authorization` of a request says. */
export interface Credential {
  /** Time that the sender waits, in milliseconds. */
  timeoutMs: number | undefined;
  /** The receiver, as the sender names it. */
  to: string;
  /** What the sender calls itself. */
  from: string;
  /** Names the secret. */
  keyId: string;
  /** When it was made, in milliseconds since the epoch, by the sender's clock. */
  time: number;
  /** Names the sending process. */
  sender: string;
  /** Counts what that process has sent. */
  count: number;
  /** The digest of the body. */
  digest: string;
}

/** A credential that was read. */
export interface ReadCredential extends Credential {
  /** All of it but the signature, as it is signed. */
  text: string;
  /** The signature. */
  signature: string;
}

/** What the `tandem` header of an answer says. */
export interface AnswerHead {
  /** The version. */
  version: number;
  /** The signature, if there is one. */
  signature: string | undefined;
}

/** The text of a credential without its signature. */
export function credentialText(made: Credential): string {
  const { timeoutMs, to, from, keyId, time, sender, count, digest } = made;
  const timeout = timeoutMs === undefined ? "" : Math.ceil(timeoutMs);
  return `wire=${WIRE_VERSION}; timeout=${timeout}; to=${to}; from=${encodeURIComponent(from)}; ` +
    `${keyId}.${time}.${sender}.${count}.${digest}`;
}

/** The `authorization` header of a credential. */
export function authorizationOf(text: string, signature: string): string {
  return `Tandem ${text}.${signature}`;
}

/** Reads an `authorization` header; nothing if it is none of ours. */
export function readCredential(header: string): ReadCredential | undefined {
  const found = CREDENTIAL.exec(header);
  if (found === null) return undefined;
  const [, text, timeout, to, name, keyId, time, sender, count, digest, signature] =
    found as unknown as [string, ...string[]];
  const from = decodeName(name!);
  if (from === undefined) return undefined;
  return {
    text: text!,
    timeoutMs: timeout === "" ? undefined : Math.min(Number(timeout), LONGEST_TIMER_MS),
    to: to!,
    from,
    keyId: keyId!,
    time: Number(time),
    sender: sender!,
    count: Number(count),
    digest: digest!,
    signature: signature!,
  };
}

/** The version that an `authorization` header names. */
export function readVersion(header: string): number | undefined {
  const found = REQUEST_VERSION.exec(header);
  return found === null ? undefined : Number(found[1]);
}

/** The `tandem` header of an answer. */
export function answerHead(signature: string): string {
  return `wire=${WIRE_VERSION}; signature=${signature}`;
}

/** Reads the `tandem` header of an answer; of another version only that. */
export function readAnswerHead(header: string | null): AnswerHead | undefined {
  const found = header === null ? null : ANSWER.exec(header) ?? ANSWER_VERSION.exec(header);
  return found === null ? undefined : { version: Number(found[1]), signature: found[2] };
}

/** What is signed of a request. */
export function requestText(method: string, path: string, credential: string): string {
  return `tandem request\n${method}\n${path}\n${credential}`;
}

/** What is signed of an answer; the signature of its request binds it to that one. */
export function answerText(request: string, status: number, digest: string): string {
  return `tandem answer\n${request}\n${status}\n${digest}`;
}

/** What is signed of the head of an answer that comes value by value. */
export function streamText(request: string, status: number): string {
  return `tandem stream\n${request}\n${status}`;
}

/** What is signed of one frame of such an answer: its place keeps it from being moved, left out or brought again. */
export function frameText(request: string, index: number, digest: string): string {
  return `tandem frame\n${request}\n${index}\n${digest}`;
}

/** What is signed of the end of such an answer; `count` frames came before. */
export function endText(request: string, count: number): string {
  return `tandem end\n${request}\n${count}`;
}

/** Path and query of a request. */
export function pathOf(url: string): string {
  const start = url.indexOf("/", url.indexOf("://") + 3);
  return start === -1 ? "/" : url.slice(start);
}

function decodeName(text: string): string | undefined {
  try {
    const name = decodeURIComponent(text);
    return name.length > LONGEST_NAME ? undefined : name;
  } catch {
    return undefined; // half of a character
  }
}
