/**
 * What can go wrong between two boxes, and what `fetch` says of it.
 *
 * @module
 */

import { type ErrorCode, messageOf, RuntimeError } from "../errors.ts";
import type { PeerAddress } from "./address.ts";

/** How {@linkcode PeerError} is made. */
export interface PeerErrorOptions extends ErrorOptions {
  /** Whether the other box may have done what it was asked for. */
  mayHaveRun: boolean;
  /** The HTTP status with which the other box has refused the call, if it has. */
  status?: number;
}

/** A call to another box that failed on its way, or there before it was handled. */
export class PeerError extends RuntimeError {
  /**
   * Whether the other box may have done what it was asked for; as far as can be told, for what refuses a call need not
   * have the secret.
   */
  readonly mayHaveRun: boolean;
  /** The HTTP status with which the other box has refused the call, if it has. */
  readonly #status: number | undefined;

  /** Makes an error of `code`; a `cause` that is not there is left out. */
  constructor(code: ErrorCode, message: string, { mayHaveRun, cause, status }: PeerErrorOptions) {
    super(code, message, cause === undefined ? {} : { cause });
    this.mayHaveRun = mayHaveRun;
    this.#status = status;
  }

  /** Whether the other box has refused the call as too large for it; then nothing has run. */
  get isTooLarge(): boolean {
    return this.#status === 413;
  }
}

/** Most characters of a stranger's text that a message shows. */
const SHOWN_CHARACTERS = 200;
/** What the HTTP client says of bytes that are no HTTP. */
const NOT_HTTP = /invalid|parse|too large|unexpected|incomplete/i;

/** The other box gave an answer that cannot be used. */
export function badAnswer(
  { name }: PeerAddress,
  why: string,
  options: PeerErrorOptions = { mayHaveRun: true },
): PeerError {
  const ran = options.mayHaveRun ? "; it may have run" : "";
  return new PeerError(
    "PEER_BAD_ANSWER",
    `Cannot use the answer of ${name}: ${why}${ran}`,
    options,
  );
}

/** Nothing came in time. */
export function tooLate({ name }: PeerAddress, timeoutMs: number): PeerError {
  return new PeerError(
    "DEADLINE_EXCEEDED",
    `Cannot get an answer from ${name}: it was not whole within ${timeoutMs} ms; it may have run`,
    { mayHaveRun: true },
  );
}

/** The connection ended. */
export function lost({ name }: PeerAddress, cause: unknown): PeerError {
  return new PeerError(
    "PEER_LOST",
    `Cannot get an answer from ${name}: the connection ended before it was whole (${
      reasonOf(cause)
    }); it may have run`,
    { mayHaveRun: true, cause },
  );
}

/** Says what a `fetch` that failed means: nothing but its message tells. */
export function ofFetch(address: PeerAddress, error: unknown): PeerError {
  const { name } = address;
  const never = { mayHaveRun: false, cause: error };
  if (error instanceof Deno.errors.NotCapable) {
    return new PeerError(
      "PERMISSION_MISSING",
      `Cannot reach ${name}: this box may not use the network there; run it with --allow-net=${name}`,
      never,
    );
  }
  const text = messageOf(causeOf(error));
  const unsent = !(error instanceof Error && error.cause !== undefined);
  if (unsent || text.includes("(Connect)")) {
    const message = `Cannot reach ${name}: ${reasonOf(error)}; nothing has run there`;
    return new PeerError("UNREACHABLE_PEER", message, never);
  }
  const why = reasonOf(error);
  if (!NOT_HTTP.test(why)) return lost(address, error);
  return badAnswer(address, `it does not speak HTTP (${why})`, { mayHaveRun: true, cause: error });
}

/** A stranger's text, so that it can stand in a message. */
export function shown(text: string): string {
  const clean = text.replace(/[^\x20-\x7e]/g, "?");
  return clean.length > SHOWN_CHARACTERS ? `${clean.slice(0, SHOWN_CHARACTERS)}…` : clean;
}

/** The end of the client's text, which says why. */
function reasonOf(error: unknown): string {
  const text = messageOf(causeOf(error));
  return shown(text.replace(/^.*client error \(\w+\): /s, ""));
}

function causeOf(error: unknown): unknown {
  return error instanceof Error && error.cause !== undefined ? error.cause : error;
}
