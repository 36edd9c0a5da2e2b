/**
 * Workers of their own for tests: a function that runs where documents do.
 *
 * @module
 */

import type { Baseline } from "../../../../runtime/pool/entry/baseline.ts";
import type { unwatched } from "../../../../runtime/pool/entry/watch.ts";

/** What a test's function finds in its worker. */
export interface Tools {
  Baseline: typeof Baseline;
  unwatched: typeof unwatched;
  scope: Scope;
  /** What the test wants done, as another function. */
  act: Act;
}

/** `globalThis`, whose properties may be anything. */
export type Scope = Record<PropertyKey, unknown>;

/** Something a document may do. */
export type Act = (scope: Scope) => void;

/** The other functions that a test sends to its worker. */
export interface Others {
  /** Runs before anything of ours is loaded. */
  before?: Act;
  act?: Act;
}

const ENTRY = new URL("../../../../runtime/pool/entry/", import.meta.url);

/** Runs a function in a worker without permissions; it sees only what it is given, and returns what can be cloned. */
export async function inWorker<T>(
  body: (tools: Tools) => T | Promise<T>,
  { before = () => {}, act = () => {} }: Others = {},
): Promise<T> {
  const modules = [
    source(`(${before})(globalThis)`),
    new URL("watch.ts", ENTRY).href,
    new URL("baseline.ts", ENTRY).href,
  ];
  const text = `
    import ${JSON.stringify(modules[0])};
    import { unwatched } from ${JSON.stringify(modules[1])};
    import { Baseline } from ${JSON.stringify(modules[2])};
    const post = globalThis.postMessage;
    try {
      post({ value: await (${body})({ Baseline, unwatched, scope: globalThis, act: ${act} }) });
    } catch (error) {
      post({ error: String(error?.stack ?? error) });
    }`;
  const options = { type: "module", deno: { permissions: "none" } } as WorkerOptions;
  const worker = new Worker(source(text), options);
  const { promise, resolve, reject } = Promise.withResolvers<T>();
  worker.onmessage = ({ data }) =>
    "error" in data ? reject(new Error(data.error)) : resolve(data.value);
  worker.onerror = (event) => {
    event.preventDefault();
    reject(new Error(event.message));
  };
  try {
    return await promise;
  } finally {
    worker.terminate();
  }
}

function source(text: string): string {
  return `data:text/javascript,${encodeURIComponent(text)}`;
}
