/**
 * The atlas's pagelets behind the faults that the store names for them.
 *
 * @module
 */

import { Hono } from "../../../handlers/deps.ts";
import pagelets from "../../../handlers/pagelets.ts";
import type { TandemEnv } from "../../../mod.ts";

/** What is wrong by part: "throws", "waits" until that is taken back, or markup in place of the part. */
type Faults = Record<string, string>;

const app = new Hono<TandemEnv>();

app.use(async (c, next) => {
  const part = c.req.path.split("/")[1]!;
  const fault = async () => (await c.var.store.get<Faults>("faults"))?.[part];
  while (await fault() === "waits" && !c.var.signal.aborted) {
    await new Promise((resolve) => setTimeout(resolve, 10)); // workers cannot hear of a change
  }
  const found = await fault();
  if (found === "throws") throw new Error(`The part ${part} is to fail`);
  if (found !== undefined) return c.html(found);
  await next();
});

app.route("/", pagelets);

export default app;
