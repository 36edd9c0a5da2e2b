/**
 * A pagelet's request and answer as they travel between entry and workers.
 *
 * What a page asks for is checked where it asks; what a worker sends is checked again where it arrives.
 *
 * @module
 */

import { type ErrorRecord, parseErrorRecord } from "../errors.ts";
import { isRecord } from "../thread/values.ts";
import type { PageletBody, PageletOptions } from "../types/pagelet.ts";

/** A request on its way to a pagelet worker. */
export interface WireRequest {
  /** The method, in capitals. */
  method: string;
  /** Absolute URL. */
  url: string;
  /** Header fields in order. */
  headers: [string, string][];
  /** The body; a stream only from the entry to a worker. */
  body: string | Uint8Array | ReadableStream<Uint8Array> | null;
  /** Id of the request, for logs. */
  requestId: string;
}

/** A pagelet's response on its way back. */
export interface PageletAnswer {
  /** HTTP status, 200 to 599. */
  status: number;
  /** Header fields in order. */
  headers: [string, string][];
  /** The body: whole when it ended in the turn in which it began, else a stream of its parts. */
  body: Uint8Array | ReadableStream<Uint8Array> | null;
  /** What the handler threw, if it did. */
  error?: ErrorRecord;
}

/** A checked request whose body may still be on its way. */
export interface PreparedRequest {
  /** The request without its body. */
  head: Omit<WireRequest, "body" | "requestId">;
  /** The body. */
  body: WireRequest["body"] | Promise<Uint8Array>;
}

/** What the Fetch standard lets a request have. */
const METHOD = /^(?!(?:connect|trace|track)$)[a-z][a-z-]{0,31}$/i;
const ORIGIN = "http://localhost";
/** Header fields that one message may have. */
const MAX_HEADERS = 256;

/**
 * Checks and encodes what a page or pagelet asks for.
 *
 * @throws {TypeError} If the URL, the method, a header or the body is wrong.
 */
export function prepareRequest(url: unknown, options: PageletOptions): PreparedRequest {
  const headers = readHeaders(options.headers);
  const body = encodeBody(options.body, headers);
  const given = options.method ?? (body === null ? "GET" : "POST");
  if (typeof given !== "string" || !METHOD.test(given)) {
    throw new TypeError(`Cannot start a pagelet: ${JSON.stringify(given)} is no method`);
  }
  const method = given.toUpperCase();
  if (body !== null && (method === "GET" || method === "HEAD")) {
    throw new TypeError(`Cannot start a pagelet: a ${method} request has no body`);
  }
  return { head: { method, url: absoluteUrl(url), headers: [...headers] }, body };
}

/** Checks a request from a worker and copies it; `undefined` when it is none. */
export function parseRequest(value: unknown): WireRequest | undefined {
  if (!isRecord(value)) return undefined;
  const { method, url, headers, body, requestId } = value;
  if (typeof method !== "string" || !METHOD.test(method)) return undefined;
  if (typeof url !== "string" || !url.startsWith(`${ORIGIN}/`) || !URL.canParse(url)) {
    return undefined;
  }
  if (typeof requestId !== "string" || requestId.length > 128) return undefined;
  if (body !== null && typeof body !== "string" && !(body instanceof Uint8Array)) return undefined;
  const fields = parseHeaders(headers);
  return fields && { method, url, headers: fields, body, requestId };
}

/** Checks an answer from a worker and copies it, the stream unguarded; throws when it is none. */
export function parseAnswer(value: unknown): PageletAnswer {
  if (!isRecord(value)) throw new TypeError("a response that is no record");
  const { status, body, error } = value;
  if (!Number.isInteger(status) || (status as number) < 200 || (status as number) > 599) {
    throw new TypeError("a response without a usable status");
  }
  const headers = parseHeaders(value.headers);
  if (headers === undefined) throw new TypeError("a response with malformed headers");
  if (body !== null && !isPrivateBytes(body) && !(body instanceof ReadableStream)) {
    throw new TypeError("a response with a malformed body");
  }
  return {
    status: status as number,
    headers,
    body,
    error: error === undefined ? undefined : parseErrorRecord(error),
  };
}

/** Bytes that a body holds; 0 for a stream, which is counted as it flows. */
export function bodySize(body: WireRequest["body"]): number {
  if (body === null || body instanceof ReadableStream) return 0;
  return typeof body === "string" ? new TextEncoder().encode(body).byteLength : body.byteLength;
}

function absoluteUrl(url: unknown): string {
  if (typeof url !== "string" || url === "") {
    throw new TypeError(
      `Cannot start a pagelet: a path such as "/facts?unit=km" is needed, and ${
        url === "" ? "an empty text" : `a value of type ${typeof url}`
      } was given`,
    );
  }
  if (/^[a-z][a-z0-9+.-]*:/i.test(url)) {
    throw new TypeError(
      `Cannot start pagelet ${
        JSON.stringify(url)
      }: a path of the pagelet document is needed, not a URL`,
    );
  }
  return new URL(ORIGIN + (url.startsWith("/") ? "" : "/") + url).href;
}

function readHeaders(given: HeadersInit | undefined): Headers {
  try {
    return new Headers(given);
  } catch (cause) {
    throw new TypeError(
      `Cannot start a pagelet: its headers are ${Deno.inspect(given, { compact: true })}`,
      { cause },
    );
  }
}

function encodeBody(
  body: PageletBody | null | undefined,
  headers: Headers,
): PreparedRequest["body"] {
  if (body === undefined || body === null) return null;
  const setType = (type: string) => {
    if (!headers.has("content-type")) headers.set("content-type", type);
  };
  if (typeof body === "string") return setType("text/plain;charset=UTF-8"), body;
  if (body instanceof URLSearchParams) {
    return setType("application/x-www-form-urlencoded;charset=UTF-8"), body.toString();
  }
  if (body instanceof ReadableStream) return body;
  if (body instanceof Uint8Array) return body.slice();
  if (body instanceof ArrayBuffer) return new Uint8Array(body.slice(0));
  if (body instanceof FormData) {
    const encoded = new Response(body);
    headers.set("content-type", encoded.headers.get("content-type")!);
    return encoded.bytes();
  }
  throw new TypeError(
    "Cannot start a pagelet: its body must be text, bytes, a byte stream, URLSearchParams or FormData, and " +
      `${(body as object).constructor?.name ?? typeof body} was given`,
  );
}

function parseHeaders(value: unknown): [string, string][] | undefined {
  if (!Array.isArray(value) || value.length > MAX_HEADERS) return undefined;
  for (const field of value) {
    if (!Array.isArray(field) || field.length !== 2) return undefined;
    if (typeof field[0] !== "string" || typeof field[1] !== "string") return undefined;
  }
  try {
    return [...new Headers(value as [string, string][])];
  } catch {
    return undefined;
  }
}

function isPrivateBytes(value: unknown): value is Uint8Array {
  return value instanceof Uint8Array && value.buffer instanceof ArrayBuffer;
}
