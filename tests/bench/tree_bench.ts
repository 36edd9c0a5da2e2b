/**
 * One hop in a tree and back beside the bare channel that carries it, and a message to fourteen nodes beside fourteen bare workers.
 *
 * @module
 */

import { tree } from "../../mod.ts";
import { atEnd } from "./peers/ending.ts";
import { bareFourteen, bareProcess, bareWorker, fifteen, oneHop } from "./peers/tree.ts";

const root = tree.root();
atEnd(() => void root.close());
const MESSAGE = "x".repeat(64);

for (const isolation of ["worker", "process"] as const) {
  const group = `there and back, 64 bytes, ${isolation}`;
  const bare = isolation === "worker" ? await bareWorker() : await bareProcess();
  const node = await oneHop(root, isolation);
  Deno.bench(`plain ${isolation}, ${isolation === "worker" ? "postMessage" : "IPC"}`, {
    group,
    baseline: true,
  }, async () => void await bare(MESSAGE));
  Deno.bench("tree, one hop", { group }, async () => void await node(MESSAGE));
}

const group = "to fourteen workers, all answer";
const fourteen = await bareFourteen();
const flood = await fifteen();
const learned = await fifteen({ routing: "learned" });
Deno.bench("plain workers, postMessage", { group, baseline: true }, async () => {
  await fourteen(MESSAGE);
});
Deno.bench(
  "tree, broadcast with acknowledgement",
  { group },
  async () => void await flood(MESSAGE),
);
Deno.bench("the same with learned routing", { group }, async () => void await learned(MESSAGE));
