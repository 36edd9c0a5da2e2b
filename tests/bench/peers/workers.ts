/**
 * What a program would do without Tandem: workers of its own, called over `postMessage` or Comlink.
 * They check nothing, scope nothing and stop for nobody.
 *
 * @module
 */

import { wrap } from "../../../runtime/deps/comlink.ts";
import { atEnd } from "./ending.ts";
import { WORKERS } from "./room.ts";

/** Sends a value to a worker and brings it back. */
export type Echo = (value: unknown) => Promise<unknown>;

/** Echoes through workers and `postMessage`, the workers taking turns. */
export async function openEcho(): Promise<Echo> {
  const workers = await startAll("./echo_worker.ts");
  const open = new Map<number, (value: unknown) => void>();
  for (const worker of workers) {
    worker.onmessage = ({ data: { id, value } }) => {
      open.get(id)!(value);
      open.delete(id);
    };
  }
  let nextId = 0;
  return (value) =>
    new Promise((resolve) => {
      const id = nextId++;
      open.set(id, resolve);
      workers[id % WORKERS]!.postMessage({ id, value });
    });
}

/** Echoes through workers and Comlink, the workers taking turns. */
export async function openComlink(): Promise<Echo> {
  const workers = await startAll("./comlink_worker.ts");
  const remotes = workers.map((worker) => wrap<{ echo: Echo }>(worker));
  const echoes = remotes.map(({ echo }) => echo);
  let next = 0;
  return (value) => echoes[next++ % WORKERS]!(value);
}

/** Starts a worker and resolves with its first message. */
export function startWorker(module: string): Promise<Worker> {
  const worker = new Worker(new URL(module, import.meta.url).href, { type: "module" });
  return new Promise((resolve, reject) => {
    worker.onerror = ({ message }) => reject(new Error(message));
    worker.onmessage = () => resolve(worker);
  });
}

async function startAll(module: string): Promise<Worker[]> {
  const workers = await Promise.all(Array.from({ length: WORKERS }, () => startWorker(module)));
  atEnd(() => workers.forEach((worker) => worker.terminate()));
  return workers;
}
