/**
 * Pages that run in workers: the entry hands each request on and streams the response back.
 *
 * @module
 */

import { Hono } from "../deps/hono.ts";
import type { PageletServer } from "../pagelet/server.ts";
import { SourceTask } from "../pagelet/task.ts";
import type { TandemEnv } from "../types/document.ts";

/** An app that has every request answered by a worker of the pool, unless its body is larger than allowed. */
export function pagesInWorkers(server: PageletServer, maxBodyBytes: number): Hono<TandemEnv> {
  const app = new Hono<TandemEnv>();
  app.all("*", async (c) => {
    const { url, method, headers, body } = c.req.raw;
    if (Number(headers.get("content-length")) > maxBodyBytes) {
      return c.text("Content Too Large", 413);
    }
    const { requestId } = c.var;
    // Not c.var.signal: the task's own stream hears of a client that goes later.
    const { signal } = c.req.raw;
    const source = server.source({ url, method, headers: [...headers], body, requestId });
    const task = new SourceTask(new URL(url).pathname, source);
    const cancel = () => task.cancel(signal.reason);
    signal.addEventListener("abort", cancel, { once: true });
    task.ended.then(() => signal.removeEventListener("abort", cancel));
    return await task.response();
  });
  return app;
}
