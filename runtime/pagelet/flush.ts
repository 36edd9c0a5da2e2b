/**
 * Pages that are sent as they are written: the shell first, the rest when it is there.
 *
 * @module
 */

import { messageOf } from "../errors.ts";
import type { Log } from "../types/log.ts";
import type { PageletTask } from "../types/pagelet.ts";

/** What a page is written to. */
export interface PageOutput {
  /** Sends text or bytes; resolves when the client takes more. Rejects once the client has gone. */
  write(chunk: string | Uint8Array): Promise<void>;
  /** Sends the parts of a pagelet as they come. One that failed adds nothing more; `task.error` says why. */
  pipe(task: PageletTask | null): Promise<void>;
}

/** What is needed of Hono's context. */
export interface PageContext {
  /** Hono's `c.body`. */
  body(data: ReadableStream<Uint8Array>): Response;
  /** Hono's `c.header`. */
  header(name: string, value: string): void;
  /** Hono's `c.req`. */
  req: { readonly method: string };
  /** Hono's `c.var`. */
  var: { log?: Log };
}

/**
 * Answers at once and sends what `produce` writes, as it is written (HHVM's `flush()`).
 *
 * The content type is HTML unless `options` says otherwise. When `produce` throws, the error is logged
 * and the response breaks off, so that the client does not take half a page for a whole one. For a HEAD
 * request, whose body nobody reads, `produce` is not called.
 *
 * @param c The handler's context.
 * @param produce Writes the page.
 * @param options `contentType`: in place of `text/html; charset=UTF-8`.
 * @returns The response, whose body goes on while `produce` runs.
 *
 * @example Usage
 * ```ts ignore
 * site.app.get("/", (c) =>
 *   flush(c, async (out) => {
 *     const feed = c.var.pagelets.start("/feed");
 *     await out.write("<!doctype html><title>News</title><h1>News</h1>");
 *     await out.pipe(feed);
 *   }));
 * ```
 */
export function flush(
  c: PageContext,
  produce: (out: PageOutput) => Promise<void>,
  { contentType = "text/html; charset=UTF-8" }: { contentType?: string } = {},
): Response {
  c.header("content-type", contentType);
  if (isHead(c)) return c.body(new Blob().stream());
  const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>();
  const writer = writable.getWriter();
  const encoder = new TextEncoder();
  const write = (chunk: string | Uint8Array) =>
    forgiven(writer.write(typeof chunk === "string" ? encoder.encode(chunk) : chunk));
  const pipe = (task: PageletTask | null) => forgiven(pipeParts(task));
  const pipeParts = async (task: PageletTask | null) => {
    if (task === null) return;
    for await (const { body } of task) if (body !== "") await write(body);
  };
  let clientGone = false;
  writer.closed.catch(() => clientGone = true);
  produce({ write, pipe }).then(() => writer.close()).catch((error) => {
    if (clientGone) return;
    c.var.log?.error("A page broke off", { why: messageOf(error) });
    return writer.abort(error);
  });
  const response = c.body(readable);
  if (response.body !== null) unfinished.add(response.body);
  return response;
}

/** Whether the client wants no body. */
export function isHead(c: PageContext): boolean {
  return c.req.method === "HEAD";
}

/** Whether a body is written by a page that still runs. */
export function isUnfinished(body: ReadableStream<Uint8Array>): boolean {
  return unfinished.has(body);
}

/** The bodies of pages that are sent as they are written. */
const unfinished = new WeakSet<ReadableStream<Uint8Array>>();

/** A page that does not wait for what it writes must not take the box down when the client goes. */
function forgiven(written: Promise<void>): Promise<void> {
  written.catch(() => {});
  return written;
}
