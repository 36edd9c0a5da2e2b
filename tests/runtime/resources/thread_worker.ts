/**
 * A worker that runs what its test sends it, with the resources of its isolate.
 *
 * @module
 */

import * as resources from "../../../runtime/resources/mod.ts";

/** What the functions of a test are given inside the worker. */
export interface Inside {
  /** The module under test, as this isolate has it. */
  resources: typeof resources;
  /** What happened here, for the test to read. */
  log: unknown[];
  /** Calls a service of the worker's enrolment. */
  call: resources.DeskCall;
}

const scope = globalThis as unknown as {
  onmessage: (event: MessageEvent) => void;
  postMessage(message: unknown): void;
};
const waiting = new Map<number, PromiseWithResolvers<unknown>>();
let calls = 0;

const inside: Inside = {
  resources,
  log: [],
  call: (name, ...args) => {
    const answer = Promise.withResolvers<unknown>();
    waiting.set(++calls, answer);
    scope.postMessage({ call: calls, name, args });
    return answer.promise;
  },
};

scope.onmessage = async ({ data }) => {
  if ("answer" in data) {
    waiting.get(data.answer)!.resolve(data.value);
    waiting.delete(data.answer);
    return;
  }
  try {
    const run = (0, eval)(`(${data.source})`);
    scope.postMessage({ id: data.id, value: await run(inside, ...data.args) });
  } catch (error) {
    const { name, message, code } = error as Error & { code?: string };
    scope.postMessage({ id: data.id, error: { name, message, code } });
  }
};
