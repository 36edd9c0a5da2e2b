/**
 * A short message to this box and its answer, on warm workers.
 *
 * @module
 */

import { atOnce, openRoom } from "./peers/room.ts";
import { openComlink, openEcho } from "./peers/workers.ts";

const { variables: { xbox } } = await openRoom();
const { variables: { xbox: inProcess } } = await openRoom(":memory:", "process");
const echo = await openEcho();
const comlink = await openComlink();
const answer = (message: string) => Promise.resolve(structuredClone(message));

for (const times of [1, 64]) {
  const group = `xbox, ${times} in flight`;
  Deno.bench("plain function call", { group }, async () => {
    await atOnce(times, () => answer("hello"));
  });
  Deno.bench("plain worker, postMessage", { group, baseline: true }, async () => {
    await atOnce(times, () => echo("hello"));
  });
  Deno.bench("plain worker, Comlink", { group }, async () => {
    await atOnce(times, () => comlink("hello"));
  });
  Deno.bench("xbox.send", { group }, async () => {
    await atOnce(times, () => xbox.send("hello"));
  });
  Deno.bench('xbox.send, isolation "process"', { group }, async () => {
    await atOnce(times, () => inProcess.send("hello"));
  });
}
