/**
 * What a program would do without Tandem: Hono on `Deno.serve`, and nothing else.
 *
 * @module
 */

import { Hono } from "../../../runtime/deps/hono.ts";
import { atEnd } from "./ending.ts";
import type { Echo } from "./workers.ts";

/** An app with a plain page, a page of known bytes, and the same bytes after four messages. */
export function bareApp(page: Uint8Array<ArrayBuffer>, echo?: Echo): Hono {
  const app = new Hono();
  const type = { "content-type": "text/html; charset=UTF-8" };
  app.get("/plain", (c) => c.html("<p>hello</p>"));
  app.get("/page", (c) => c.body(page, 200, type));
  app.get("/four", async (c) => {
    await Promise.all([echo!("a"), echo!("b"), echo!("c"), echo!("d")]);
    return c.body(page, 200, type);
  });
  return app;
}

/** Serves an app on a free port of the loopback interface. */
export function serveBare(app: Hono): number {
  const abort = new AbortController();
  const server = Deno.serve({
    hostname: "127.0.0.1",
    port: 0,
    signal: abort.signal,
    onListen() {},
  }, (request) => app.fetch(request));
  atEnd(() => abort.abort());
  return server.addr.port;
}
