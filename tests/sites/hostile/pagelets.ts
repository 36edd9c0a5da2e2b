/**
 * Pagelets that attack the box: on request, from a timer, or while they load (`?load=name`).
 *
 * @module
 */

import { Hono } from "../../../runtime/deps/hono.ts";
import type { TandemEnv } from "../../../mod.ts";
import { setTimeout as startTimer } from "node:timers";
import {
  ANSWERS,
  CALLS,
  EXITS,
  flood,
  FLOODS,
  post,
  sendOver,
  takePorts,
  TAMPERS,
  TWICE,
  VANDALS,
} from "./attacks.ts";

const app = new Hono<TandemEnv>();
const never = () => new Promise<never>(() => setTimeout(() => {}, 2 ** 30));
const stream = (source: UnderlyingDefaultSource) =>
  new Response(new ReadableStream(source, { highWaterMark: 0 }));
const turn = () => new Promise((resolve) => setTimeout(resolve));

app.get("/ok", (c) => c.text(`ok ${Object.keys(self).includes("touched")}`));
app.get("/calls/:name", async (c) => {
  const sent = CALLS[c.req.param("name")]!();
  // What was replaced is used by the next call.
  if (c.req.param("name") === "replacedPost") await c.var.store.get("k");
  await sent;
  return never();
});
app.get("/answers/:name", async (c) => {
  // Not sooner has the attack seen the task.
  await turn();
  ANSWERS[c.req.param("name")]!();
  return never();
});
app.get("/twice/:name", async (c) => {
  await turn();
  TWICE[c.req.param("name")]!();
  return never();
});
app.get("/floods/:name", (c) => {
  flood(FLOODS[c.req.param("name")]!);
  return never();
});
app.get("/vandals/:name", async (c) => {
  await turn();
  VANDALS[c.req.param("name")]!();
  await turn();
  return c.text("vandal");
});
app.get("/quick/:name", (c) => {
  VANDALS[c.req.param("name")]!();
  return c.text("vandal");
});
app.get("/tampers/:name", (c) => {
  TAMPERS[c.req.param("name")]!();
  return c.text("tampered");
});
app.get("/exits/handler/:name", (c) => {
  EXITS[c.req.param("name")]!();
  return never();
});
app.get("/exits/timer/:name", (c) => {
  startTimer(EXITS[c.req.param("name")]!);
  return c.text("armed");
});
app.get("/exits/work/:name", (c) => {
  c.var.onPostSend(() => turn().then(EXITS[c.req.param("name")]!));
  return c.text("armed");
});
app.get("/cancelled/:name", async (c) => {
  await turn();
  await new Promise((resolve) => c.var.signal.addEventListener("abort", resolve));
  // The entry has given the task up, and still waits for the worker to be done.
  ANSWERS[c.req.param("name")]!();
  return never();
});
app.get("/timers/:name", (c) => {
  // On a timer of its own, when the answer is gone; the global ones are stopped by then.
  startTimer(() => startTimer(CALLS[c.req.param("name")]!));
  return c.text("armed");
});
app.get("/foreign", async (c) => {
  // Handles and tasks of others, over the names that are allowed.
  const names = ["pageletAnswer", "pageletCancel", "pageletWait", "xboxAnswer", "xboxCancel"];
  for (const name of names) {
    for (const handle of [0, 1, 2, 3, "1", { valueOf: 1 }, null]) {
      post({
        id: crypto.randomUUID(),
        type: "APPLY",
        path: [name],
        argumentList: [{ type: "RAW", value: handle }],
      });
    }
  }
  await c.var.store.get("k");
  return c.text("foreign");
});
app.get("/streams/text", () =>
  stream({
    async pull(controller) {
      // Late enough that the worker's own check of the first turn does not see it.
      await turn();
      await turn();
      controller.enqueue("text");
    },
  }));
app.get("/streams/shared", () =>
  stream({
    async pull(controller) {
      await turn();
      controller.enqueue(new Uint8Array(new SharedArrayBuffer(8)));
    },
  }));
app.get("/streams/endless", () =>
  stream({
    async pull(controller) {
      await turn();
      controller.enqueue(new Uint8Array(65_536));
    },
  }));
app.get("/streams/error", () =>
  stream({
    async pull(controller) {
      await turn();
      controller.error({ toString: 1, valueOf: 1 });
    },
  }));
app.get("/streams/port", () => {
  const ports = takePorts();
  let parts = 0;
  return stream({
    async pull(controller) {
      await turn();
      sendOver(ports, null);
      if (parts++ < 3) controller.enqueue(new Uint8Array(8));
      else controller.close();
    },
  });
});

const load = new URL(import.meta.url).searchParams.get("load");
if (load !== null) ({ ...CALLS, ...EXITS })[load]!();

export default app;
