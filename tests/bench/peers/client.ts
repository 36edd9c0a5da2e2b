/**
 * Orders from the client that runs in a thread of its own.
 *
 * @module
 */

import type { Order } from "./client_worker.ts";
import { atEnd } from "./ending.ts";
import { startWorker } from "./workers.ts";

/** Carries out an order and resolves when the last response has come. */
export type Client = (order: Order) => Promise<void>;

/** Starts the client. It carries out one order at a time. */
export async function openClient(): Promise<Client> {
  const worker = await startWorker("./client_worker.ts");
  atEnd(() => worker.terminate());
  return (order) =>
    new Promise((resolve, reject) => {
      worker.onmessage = () => resolve();
      worker.onerror = ({ message }) => reject(new Error(message));
      worker.postMessage(order);
    });
}
