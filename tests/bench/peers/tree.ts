/**
 * Round trips through a tree, and through the bare channels that its links are made of.
 *
 * @module
 */

import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import { tree } from "../../../mod.ts";

/** Sends a value and waits for it to come back. */
export type Echo = (value: unknown) => Promise<unknown>;

/** A worker that echoes over `postMessage`. */
export async function bareWorker(): Promise<Echo> {
  const worker = new Worker(new URL("./plain_worker.ts", import.meta.url), { type: "module" });
  const echo: Echo = (value) =>
    new Promise((resolve) => {
      worker.onmessage = ({ data }) => resolve(data);
      worker.postMessage(value);
    });
  await echo(0);
  return echo;
}

/** A process that echoes over the channel that Node gives it. */
export async function bareProcess(): Promise<Echo> {
  const path = fileURLToPath(new URL("./plain_process.ts", import.meta.url));
  const child = spawn("deno", ["run", "--quiet", "--no-prompt", "--deny-run", path], {
    stdio: ["ignore", "inherit", "inherit", "ipc"],
    serialization: "advanced",
  });
  const echo: Echo = (value) =>
    new Promise((resolve) => {
      child.once("message", resolve);
      child.send(value as object);
    });
  await echo(0);
  return echo;
}

/** A child node that echoes messages. */
export async function oneHop(root: tree.Executor, isolation: "process" | "worker"): Promise<Echo> {
  const pid = root.fork(undefined, {
    module: new URL("./tree_child.ts", import.meta.url),
    ...{ isolation, data: 0, permissions: "none" },
  });
  let arrived: (value: unknown) => void = () => {};
  root.addListener({
    onMessageReceived: ({ source, payload }) => {
      if (source === pid) arrived(payload);
    },
  });
  const echo: Echo = (value) =>
    new Promise((resolve) => {
      arrived = resolve;
      root.submit(value, pid);
    });
  await echo(0);
  return echo;
}

/** Below a root of its own, two whole trees of seven workers each: sends to all and waits for every acknowledgement. */
export async function fifteen(options?: tree.TreeOptions): Promise<Echo> {
  const root = tree.root(options);
  for (let child = 0; child < 2; child++) {
    root.fork(undefined, {
      module: new URL("./tree_child.ts", import.meta.url),
      ...{ permissions: "inherit", data: 2 },
    });
  }
  let answers = 0;
  let all: (value: unknown) => void = () => {};
  root.addListener({
    onMessageReceived: () => {
      if (++answers === 14) all(undefined);
    },
  });
  const echo: Echo = (value) =>
    new Promise((resolve) => {
      answers = 0;
      all = resolve;
      root.submit(value, { all: true }, { ack: true });
    });
  await echo(0);
  return echo;
}

/** Fourteen workers that echo, all asked by one. */
export async function bareFourteen(): Promise<Echo> {
  const echoes = await Promise.all(Array.from({ length: 14 }, () => bareWorker()));
  return (value) => Promise.all(echoes.map((echo) => echo(value)));
}
