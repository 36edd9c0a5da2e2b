/**
 * A pagelet that does nothing, there and back, on warm workers.
 *
 * @module
 */

import pageletApp from "./peers/pagelets.ts";
import { atOnce, openRoom } from "./peers/room.ts";
import { openComlink, openEcho } from "./peers/workers.ts";

const { variables: { pagelets } } = await openRoom();
const echo = await openEcho();
const comlink = await openComlink();

const render = (path: string) => Promise.resolve(path === "/empty" ? "<p></p>" : "");
const renderInPlace = async (path: string) => {
  const response = await pageletApp.fetch(new Request(`http://localhost${path}`));
  return await response.text();
};
const renderInWorker = (path: string) => pagelets.start(path).text();

for (const times of [1, 64]) {
  const group = `pagelet, ${times} in flight`;
  Deno.bench("plain function call", { group }, async () => {
    await atOnce(times, () => render("/empty"));
  });
  Deno.bench("bare Hono app in place", { group }, async () => {
    await atOnce(times, () => renderInPlace("/empty"));
  });
  Deno.bench("plain worker, postMessage", { group, baseline: true }, async () => {
    await atOnce(times, () => echo("/empty"));
  });
  Deno.bench("plain worker, Comlink", { group }, async () => {
    await atOnce(times, () => comlink("/empty"));
  });
  Deno.bench("pagelet", { group }, async () => {
    await atOnce(times, () => renderInWorker("/empty"));
  });
}
