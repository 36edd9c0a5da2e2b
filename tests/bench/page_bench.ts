/**
 * Whole pages over HTTP, the client in a thread of its own, and the way through the entry without
 * HTTP. The bare Hono app returns the bytes that the page with four empty pagelets has.
 *
 * @module
 */

import { openClient } from "./peers/client.ts";
import { bareApp, serveBare } from "./peers/hono_server.ts";
import { emptySite, openRoom } from "./peers/room.ts";
import { openEcho } from "./peers/workers.ts";

/** Requests an iteration. */
const REQUESTS = 64;

const { box } = await openRoom();
const page = await (await fetch(`${box.url}page`)).bytes();
const app = bareApp(page, await openEcho());
const bare = serveBare(app);
const tandem = Number(new URL(box.url).port);
const client = await openClient();

for (const connections of [1, 32]) {
  const requests = REQUESTS / connections;
  const get = (port: number, path: string) => async () => {
    await client({ port, path, connections, requests });
  };

  const plain = { group: `plain page over HTTP, ${connections} in flight, ${REQUESTS} requests` };
  Deno.bench("bare Hono", { ...plain, baseline: true }, get(bare, "/plain"));
  Deno.bench("Tandem", plain, get(tandem, "/plain"));

  const four = { group: `4 pagelets over HTTP, ${connections} in flight, ${REQUESTS} requests` };
  Deno.bench("bare Hono, the same bytes", { ...four, baseline: true }, get(bare, "/page"));
  Deno.bench("bare Hono after 4 messages to plain workers", four, get(bare, "/four"));
  Deno.bench("Tandem, 4 pagelets in slots", four, get(tandem, "/page"));
}

const site = emptySite(":memory:");
await site.fetch(new Request("http://localhost/plain"));

const entry = { group: "plain page without HTTP" };
Deno.bench("bare Hono app.fetch", { ...entry, baseline: true }, async () => {
  await app.fetch(new Request("http://localhost/plain"));
});
Deno.bench("Tandem site.fetch", entry, async () => {
  await site.fetch(new Request("http://localhost/plain"));
});
