import { Hono } from "../../../runtime/deps/hono.ts";
import type { TandemEnv, Xbox } from "../../../mod.ts";
import { runCases } from "./cases.ts";

const app = new Hono<TandemEnv>();

/** Runs the cases in a page, or with `?in=pagelet` in a worker. */
app.get("/cases", async (c) => {
  const { xbox, store, pagelets } = c.var;
  const to = await receiver(xbox, c.req.query("to") ?? "");
  if (c.req.query("in") !== "pagelet") return c.json(await runCases({ xbox, store, to }));
  return await pagelets.start(`/cases?to=${encodeURIComponent(to)}`).response();
});

/** Of two boxes, `sibling` is the other one. */
async function receiver(xbox: Xbox, to: string): Promise<string> {
  if (to !== "sibling") return to;
  const { from } = await xbox.send<{ from: string }>({ do: "context" }, { to: "box-1" });
  return from === "localhost" ? "box-2" : "box-1";
}

export default app;
