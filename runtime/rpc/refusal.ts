/**
 * Answers of calls that came to nothing.
 *
 * @module
 */

import { type ErrorRecord, toErrorRecord } from "../errors.ts";
import { encode } from "../peer/wire.ts";
import { WIRE_ERROR_TYPE } from "./protocol.ts";

/** Texts of the statuses, as HHVM has them. */
const TEXTS: Readonly<Record<number, string>> = {
  400: "Bad Request",
  401: "Unauthorized",
  403: "Forbidden",
  404: "Not Found",
  405: "Method Not Allowed",
  408: "Request Timeout",
  413: "Content Too Large",
  500: "Internal Server Error",
  502: "Bad Gateway",
  503: "Service Unavailable",
  504: "Gateway Timeout",
};

/** Why a call is not answered with a value. */
export class Refusal extends Error {
  /** The status of the answer. */
  readonly status: number;
  /** What the answer says. */
  readonly text: string;
  /** Headers beside those that every answer has. */
  readonly headers: Readonly<Record<string, string>>;

  /**
   * Makes one of `status`.
   *
   * @param options `text`: in place of the status's usual one; `headers`: of the answer; `cause`: the error as a typed client throws it.
   */
  constructor(
    status: number,
    { text = TEXTS[status]!, headers = {}, cause }: {
      text?: string;
      headers?: Record<string, string>;
      cause?: Error;
    } = {},
  ) {
    super(text, { cause });
    this.status = status;
    this.text = text;
    this.headers = headers;
  }

  /**
   * The answer.
   *
   * @param isTyped Whether the caller, who is known, reads records of errors.
   */
  response(isTyped: boolean): Response {
    const { status, text } = this;
    if (!isTyped || this.cause === undefined) {
      return respond(text, status, {
        "content-type": "text/plain; charset=utf-8",
        ...this.headers,
      });
    }
    const record = encode(withoutStack(toErrorRecord(this.cause)));
    return respond(record, status, { "content-type": WIRE_ERROR_TYPE, ...this.headers });
  }
}

/** An answer that no cache keeps and no browser takes for something else. */
export function respond(
  body: BodyInit | null,
  status: number,
  headers: Record<string, string>,
): Response {
  return new Response(body, {
    status,
    headers: { "cache-control": "no-store", "x-content-type-options": "nosniff", ...headers },
  });
}

/** Paths of this machine are nobody's business outside. */
function withoutStack({ stack: _, cause, ...record }: ErrorRecord): ErrorRecord {
  return cause === undefined ? record : { ...record, cause: withoutStack(cause) };
}
