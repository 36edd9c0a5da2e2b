/**
 * A site whose boxes send each other messages: a flood that counts what became of them.
 *
 * @module
 */

import { createSite } from "../../../mod.ts";

const site = createSite({
  name: "siblings",
  xbox: { document: new URL("./xbox.ts", import.meta.url), workers: 2, queueLimit: 1000 },
});

/**
 * Sends messages of so many `bytes` to a receiver, so many at once, until `/stop` is asked for or this box
 * drains, and tells what became of them by code.
 */
site.app.get("/flood", async (c) => {
  const { xbox, store, server } = c.var;
  const { to, name = "" } = c.req.query();
  const [inFlight, bytes] = ["inFlight", "bytes"].map((field) => Number(c.req.query(field)));
  const codes: Record<string, number> = {};
  const body = "x".repeat(bytes!);
  let stops = false;
  const watching = (async () => {
    while (!stops) {
      await new Promise((resolve) => setTimeout(resolve, 20));
      stops = server.isStopping || await store.has(["stop", name]);
    }
  })();
  await Promise.all(Array.from({ length: inFlight! }, async () => {
    while (!stops) {
      let code = "200";
      try {
        await xbox.send(body, { to, timeoutMs: 20_000 });
      } catch (error) {
        code = (error as { code?: string }).code ?? String(error);
      }
      codes[code] = (codes[code] ?? 0) + 1;
      if (code !== "200") await new Promise((resolve) => setTimeout(resolve, 1));
    }
  }));
  await watching;
  return c.json(codes);
});

/** Ends the floods of a name, in all boxes. */
site.app.get("/stop", async (c) => {
  await c.var.store.set(["stop", c.req.query("name") ?? ""], true);
  return c.text("stopped");
});

/** Whoever answers to a name. */
site.app.get("/who", async (c) => c.json(await c.var.xbox.send("who", { to: c.req.query("to") })));

export default site;
