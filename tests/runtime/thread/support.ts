/**
 * Threads of their own for tests: a kind and documents that are written in the test.
 *
 * @module
 */

import {
  type Services,
  startThread,
  type Thread,
  type ThreadOptions,
} from "../../../runtime/thread/thread.ts";

/** How a test's thread differs from a plain one. */
export interface TestThread {
  /** Source of the kind's functions, as the text of an object; `context` and `call` are in reach. */
  api?: string;
  /** Source of the document; it is evaluated when the worker loads. */
  document?: string;
  /** What the worker may call. */
  services?: Services;
  /** The rest. */
  options?: Partial<ThreadOptions>;
}

/** Starts a worker that has no permissions. */
export function startTestThread(
  { api = "{}", document = "", services = {}, options }: TestThread = {},
): Promise<Thread> {
  const kind = `export function open(context) { const { call } = context; return ${api}; }`;
  return startThread({
    name: "test 1",
    modules: { kind: source(kind), clients: {}, documents: { main: source(document) } },
    permissions: "none",
    services,
    config: {
      threadId: 1,
      threadType: "Service Thread",
      globals: {},
      box: { isStopping: false, healthLevel: 100, startedAt: 0 },
      options: {},
    },
    startTimeoutMs: 20_000,
    ...options,
  });
}

/** A module of this text. */
export function source(text: string): string {
  return `data:text/javascript,${encodeURIComponent(text)}`;
}
