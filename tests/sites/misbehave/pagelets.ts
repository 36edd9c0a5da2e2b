/**
 * Pagelets that do whatever a worker must not do, each by its name.
 *
 * @module
 */

import { setTimeout as setUnwatched } from "node:timers";
import { Hono } from "../../../runtime/deps/hono.ts";
import type { TandemEnv } from "../../../mod.ts";

const scope = globalThis as unknown as Worker & { close(): void };
const post = scope.postMessage.bind(scope);
const never = () => new Promise<never>(() => {});
const stream = (source: UnderlyingDefaultSource<Uint8Array>) =>
  new Response(new ReadableStream(source, { highWaterMark: 0 }));
const bytes = (text: string) => new TextEncoder().encode(text);

const app = new Hono<TandemEnv>();
app.get("/well", (c) => c.text("well"));
app.get("/timer", () => {
  setTimeout(() => {
    throw new Error("thrown in a timer");
  });
  return never();
});
app.get("/timer/later", (c) => {
  setUnwatched(() => {
    throw new Error("thrown after the answer");
  }, 1);
  return c.text("later");
});
app.get("/floating", () => {
  Promise.reject(new Error("nobody waits for this"));
  return never();
});
app.get("/close", () => {
  scope.close();
  return never();
});
app.get("/exit", () => Deno.exit(3));
app.get("/twice", (c) => {
  // What was answered before: the id is one that is not open any more.
  post({ type: "ANSWERS", list: [[1, 0, { status: 200, headers: [], body: null }, 1]] });
  return c.text("twice");
});
app.get("/unasked", (c) => {
  post({ id: crypto.randomUUID(), type: "RAW", value: 1 });
  return c.text("unasked");
});
app.get("/flood", () => {
  for (let line = 0; line < 100_000; line++) {
    post({
      id: `${line}`,
      type: "APPLY",
      path: ["log"],
      argumentList: [{ type: "RAW", value: "debug" }, { type: "RAW", value: "flood" }],
    });
  }
  return never();
});
app.get("/endless", () =>
  stream({
    start: (controller) => controller.enqueue(bytes("begun")),
    pull: never,
  }));
app.get("/broken", () =>
  stream({
    async pull(controller) {
      controller.enqueue(bytes("half"));
      await new Promise((resolve) => setTimeout(resolve));
      controller.error(new Error("broke in the middle"));
    },
  }));
app.get("/nothing", () => undefined as never);
app.get("/throws", () => {
  throw new RangeError("thrown");
});
app.get("/deaf", never);
app.get("/spin", () => {
  for (;;);
});

export default app;
