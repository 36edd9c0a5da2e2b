/**
 * Pages under load while their pagelets misbehave, for longer than the test tier allows.
 *
 * @module
 */

import assert from "node:assert/strict";
import { createSite, type Log, serve } from "../../mod.ts";

const SHORT = Deno.env.get("TANDEM_SOAK") === "short";
const PAGES = SHORT ? 1_000 : 20_000;
const AT_ONCE = 20;
const SLOTS = ["one", "two", "three"];

const silent: Log = { debug() {}, info() {}, warn() {}, error() {} };

Deno.test(`${PAGES} pages with pagelets that throw, wait and flood are all whole`, async () => {
  const site = createSite({
    store: { url: ":memory:" },
    pages: new URL("../sites/soak/pages.ts", import.meta.url),
    pagelets: {
      document: new URL("../sites/soak/pagelets.ts", import.meta.url),
      workers: 4,
      queueLimit: 1000,
      maxRequests: 500,
      store: { write: ["seen"], read: ["seen"] },
    },
  });
  const box = await serve(site, { port: 0, log: silent });
  let next = 0;
  let fallbacks = 0;
  async function load(): Promise<void> {
    while (next < PAGES) {
      const page = next++;
      const html = await (await fetch(`${box.url}?page=${page}`)).text();
      assert.ok(html.endsWith("</html>"), `page ${page} breaks off: ${html.slice(-80)}`);
      for (const slot of SLOTS) {
        if (html.includes(`fallback of ${slot}`)) fallbacks++;
        else assert.ok(html.includes(`${slot} of page ${page}`), `page ${page} lacks ${slot}`);
      }
    }
  }
  await Promise.all(Array.from({ length: AT_ONCE }, load));

  const { pools, activeRequests } = box.status();
  assert.equal(fallbacks, PAGES / 10, "one page in ten has one pagelet that throws");
  assert.equal(activeRequests, 0);
  assert.equal(pools.pagelets!.queued, 0);
  assert.equal(pools.pagelets!.leaked, 0);
  await box.stop();
});
