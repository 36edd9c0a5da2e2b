/**
 * Pages of the shipped site: what it gains that the parts of a page are drawn side by side, and what
 * a page costs that the visitor has already.
 *
 * @module
 */

import site from "../../handlers/site.ts";
import { serve } from "../../mod.ts";
import { SILENT } from "./peers/room.ts";

// A page that is no page: the same parts, each started when the one before has ended.
site.app.get("/one-by-one/:code", async (c) => {
  const code = c.req.param("code");
  const urls = ["map", "facts", "neighbours", "languages", "similar"].map((part) => {
    return `/${part}/${code}?unit=km`;
  });
  const texts: string[] = [];
  for (const url of urls) texts.push(await c.var.pagelets.start(url).text());
  return c.html(texts.join(""));
});

const box = await serve(site, { port: 0, store: ":memory:", log: SILENT });

async function get(path: string, headers?: HeadersInit): Promise<Response> {
  const response = await fetch(new URL(path, box.url), { headers });
  await response.bytes();
  return response;
}

for (const code of ["us", "ch", "no"]) {
  const group = `country page /country/${code}`;
  for (let turn = 0; turn < 20; turn++) {
    await Promise.all([get(`/country/${code}`), get(`/one-by-one/${code}`)]);
  }
  Deno.bench(`five pagelets one after another, ${code}`, { group, baseline: true }, async () => {
    await get(`/one-by-one/${code}`);
  });
  Deno.bench(`the page, ${code}`, { group }, async () => void await get(`/country/${code}`));
  let tag = "";
  Deno.bench(`the page again, while it is the same, ${code}`, { group }, async () => {
    const { headers } = await get(`/country/${code}`, { "if-none-match": tag });
    tag = headers.get("etag")!; // another one each minute: the page shows times of day
  });
}
