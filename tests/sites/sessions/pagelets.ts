/** @module */

import { Hono } from "../../../runtime/deps/hono.ts";
import type { TandemEnv } from "../../../mod.ts";
import { events, type Kit, type Order } from "./trace.ts";
import { work } from "./work.ts";

events.push("main evaluated");

const app = new Hono<TandemEnv>();

app.post("/do", async (c) => {
  const order = await c.req.json<Order>();
  const { var: given } = c;
  const value = await work(order, { ...pick(given), variables: c as unknown as Kit["variables"] });
  // As a value that cannot be cloned is to a message.
  if (typeof value === "function") return value as unknown as Response;
  return c.json(value);
});
app.post("/status/:status", (c) => {
  const status = Number(c.req.param("status")) as 400;
  if (c.req.query("thrown") === "yes") throw httpException(status);
  return c.text("told", status);
});

/** What Hono's HTTPException is to whoever catches it. */
function httpException(status: number): Error {
  const getResponse = () => new Response("told", { status });
  return Object.assign(new Error("thrown"), { status, getResponse });
}

function pick(given: TandemEnv["Variables"]): Kit {
  const { session, store, xbox, log, signal, onShutdown, onPostSend, onCleanup } = given;
  return { session, store, xbox, log, signal, onShutdown, onPostSend, onCleanup };
}

export default app;
