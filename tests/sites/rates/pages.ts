import { Hono } from "../../../runtime/deps/hono.ts";
import type { TandemEnv, Xbox } from "../../../mod.ts";

/** Messages that are under way at once. */
const IN_FLIGHT = 64;
const MESSAGE = "x".repeat(100);

const app = new Hono<TandemEnv>();

/** Sends `count` messages to `to`, or asks the address `fetch` as often; tells the milliseconds. */
app.get("/send", async (c) => {
  const { count, to, fetch: url } = c.req.query();
  const send = url === undefined ? () => one(c.var.xbox, to!) : () => ask(url);
  let left = Number(count);
  const began = performance.now();
  await Promise.all(Array.from({ length: IN_FLIGHT }, async () => {
    while (left-- > 0) await send();
  }));
  return c.text(String(performance.now() - began));
});

/** Of two boxes, `sibling` is the other one. */
app.get("/other", async (c) => {
  const from = await c.var.xbox.send("from", { to: "box-1" });
  return c.text(from === "localhost" ? "box-2" : "box-1");
});

async function one(xbox: Xbox, to: string): Promise<void> {
  await xbox.send(MESSAGE, { to });
}

async function ask(url: string): Promise<void> {
  const response = await fetch(url, { method: "POST", body: JSON.stringify(MESSAGE) });
  await response.json();
}

export default app;
