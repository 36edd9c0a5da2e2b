/**
 * Pagelets that attack the box: on request, from a timer, or while they load (`?load=name`).
 *
 * @module
 */

import { Hono } from "../../../runtime/deps/hono.ts";
import type { TandemEnv } from "../../../mod.ts";
import { ANSWERS, answerTwice, CALLS, post, sendOver, takePorts } from "./attacks.ts";

const app = new Hono<TandemEnv>();
const never = () => new Promise<never>(() => setTimeout(() => {}, 2 ** 30));
const stream = (source: UnderlyingDefaultSource) =>
  new Response(new ReadableStream(source, { highWaterMark: 0 }));
const turn = () => new Promise((resolve) => setTimeout(resolve));

app.get("/ok", (c) => c.text(`ok ${Object.keys(self).includes("touched")}`));
app.get("/calls/:name", async (c) => {
  await CALLS[c.req.param("name")]!();
  return c.req.param("name") === "replacedPost" ? c.text("sent") : never();
});
app.get("/answers/:name", (c) => {
  ANSWERS[c.req.param("name")]!();
  return never();
});
app.get("/timers/:name", (c) => {
  // On a timer of its own, when the answer is gone.
  setTimeout(() => setTimeout(CALLS[c.req.param("name")]!));
  return c.text("armed");
});
app.get("/twice", () => {
  answerTwice();
  return never();
});
app.get("/done", async (c) => {
  for (const id of [-1, 0, 1e9, "1", null, { id: 1 }, [1]]) {
    post({
      id: crypto.randomUUID(),
      type: "APPLY",
      path: ["done"],
      argumentList: [{ type: "RAW", value: id }],
    });
  }
  await c.var.store.get("k");
  return c.text("done");
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
if (load !== null) CALLS[load]!();

export default app;
