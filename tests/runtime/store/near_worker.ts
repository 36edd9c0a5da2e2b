/**
 * Reads or writes one key as fast as it can, in a worker that has the store as workers have it.
 *
 * @module
 */

import { createStoreClient, type NearConfig } from "../../../runtime/store/client.ts";

/** What a worker is told. */
export interface Order {
  /** What it does. */
  role: "write" | "read";
  /** What it keeps near copies by. */
  near: NearConfig;
  /** The newest number whose write has resolved, and whether all is over. */
  shared: Int32Array;
  /** How often. */
  rounds: number;
}

/** What a worker tells in the end. */
export interface Report {
  /** What went wrong. */
  wrong: string[];
  /** How many reads were answered near. */
  near: number;
}

const scope = globalThis as unknown as {
  onmessage: (event: MessageEvent) => void;
  postMessage(message: unknown): void;
};
const waiting = new Map<number, PromiseWithResolvers<unknown>>();
let calls = 0;

function call(name: string, ...args: unknown[]): Promise<unknown> {
  const answer = Promise.withResolvers<unknown>();
  waiting.set(++calls, answer);
  scope.postMessage({ id: calls, name, args });
  return answer.promise;
}

scope.onmessage = async ({ data }) => {
  if ("id" in data) {
    waiting.get(data.id)!.resolve(data.value);
    waiting.delete(data.id);
    return;
  }
  const { role, near, shared, rounds } = data as Order;
  const store = createStoreClient(call, near);
  const report: Report = { wrong: [], near: 0 };
  for (let round = 1; round <= rounds; round++) {
    if (role === "write") {
      await store.set("n", round);
      Atomics.store(shared, 0, round);
    } else {
      const least = Atomics.load(shared, 0);
      const peeked = store.peek<number>("n");
      if (peeked !== undefined && peeked < least) report.wrong.push(`peek ${peeked} < ${least}`);
      const before = calls;
      const value = await store.get<number>("n") ?? 0;
      if (value < least) report.wrong.push(`get ${value} < ${least}`);
      if (calls === before) report.near++;
      if (round % 50 === 0) await call("storeHas", ["n"]); // lets answers of peek in
    }
  }
  scope.postMessage({ report });
};
