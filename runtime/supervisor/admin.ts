/**
 * The supervisor's own port: figures of the machine for people, probes and scrapers, and the commands that
 * change it. It listens on loopback only, and takes no command that a web page could have sent.
 *
 * @module
 */

import { Hono } from "../deps/hono.ts";
import { cannotListen } from "../box/cannot_listen.ts";
import { messageOf, RuntimeError } from "../errors.ts";
import { postsApp } from "./admin_posts.ts";
import { metricsOf } from "./metrics.ts";
import type { Supervisor } from "./supervisor.ts";

/** A port that is open. */
export interface AdminServer extends AsyncDisposable {
  /** Where it answers, with a slash at the end. */
  readonly url: string;
}

const LOOPBACK = "127.0.0.1";

/** How long clients may keep the port from closing, in milliseconds; what they keep ends with the process. */
const CLOSE_MS = 500;

/**
 * Opens the port, 0 for a free one.
 *
 * @throws {RuntimeError} `BOOT_FAILED` if it cannot be had.
 */
export function serveAdmin(
  supervisor: Supervisor,
  { port, graceMs }: { port: number; graceMs: number },
): AdminServer {
  const app = adminApp(supervisor, graceMs);
  let server: Deno.HttpServer<Deno.NetAddr>;
  try {
    server = Deno.serve({ hostname: LOOPBACK, port, onListen: () => {} }, app.fetch);
  } catch (cause) {
    throw new RuntimeError("BOOT_FAILED", cannotListen(LOOPBACK, port, cause), { cause });
  }
  return {
    url: `http://${LOOPBACK}:${server.addr.port}/`,
    [Symbol.asyncDispose]: () => close(server),
  };
}

/** Closes the port. A client that has sent half a request would keep it open for ever. */
async function close(server: Deno.HttpServer): Promise<void> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<void>((resolve) => timer = setTimeout(resolve, CLOSE_MS));
  await Promise.race([server.shutdown(), late]);
  clearTimeout(timer);
}

function adminApp(supervisor: Supervisor, graceMs: number): Hono {
  const app = new Hono();
  app.use(async (c, next) => {
    // A page in a browser on this machine reaches loopback too, also under a name of its own choosing.
    const { hostname } = new URL(c.req.url);
    const isForeign = hostname !== LOOPBACK && hostname !== "localhost";
    if (isForeign || c.req.header("origin") !== undefined) {
      return c.text("Forbidden: this port is for programs of this machine\n", 403);
    }
    await next();
  });
  app.get("/health", (c) => {
    const { state, serving, wanted } = supervisor.status();
    const isWell = state === "serving" && serving > 0;
    return c.json({ state, serving, wanted }, isWell ? 200 : 503);
  });
  app.get("/status", (c) => c.json(supervisor.status()));
  app.get("/metrics", (c) => c.text(metricsOf(supervisor.status())));
  app.route("/posts", postsApp(supervisor));
  app.post("/reload", async (c) => {
    try {
      await supervisor.reload("the admin port says so");
    } catch (error) {
      return c.text(`Cannot reload: ${messageOf(error)}\n`, 500);
    }
    return c.text("OK\n");
  });
  app.post("/stop", (c) => {
    void supervisor.drain({ graceMs });
    return c.text("OK\n", 202);
  });
  return app;
}
