/**
 * What the runtime itself keeps for each thread and each request of a pool, as resources like any other:
 * a constructor or destructor of the site's finds them by name.
 *
 * @module
 */

import {
  allocateId,
  resource,
  runLoneRequest,
  runRequest,
  startup,
  wantsRequests,
} from "../../resources/mod.ts";
import type { ThreadType } from "../../types/document.ts";
import type { Store } from "../../types/store.ts";

/** The names under which the runtime's own resources are found. */
export const OWN = Object.freeze({ thread: "tandem.thread", request: "tandem.request" });

/** What a worker keeps as long as it lives; nobody changes it. */
export interface OwnThread {
  /** Number of the thread, unique in its box. */
  readonly threadId: number;
  /** Which kind of worker it is. */
  readonly threadType: ThreadType;
  /** The store with its near copies, which go with the thread. */
  readonly store: Store & Partial<Disposable>;
}

/** What a worker keeps for one request. */
export interface OwnRequest {
  /** Unique to the request. */
  requestId: string;
  /** When its time is up, on the clock of `performance.now()`; infinite without a limit. */
  deadline: number;
  /** What stands on every line that the request writes to the log. */
  logFields: Record<string, unknown>;
}

let made: OwnThread;

/** Registers what the worker keeps. */
export function keepThread(kept: OwnThread): void {
  made = Object.freeze(kept);
  // Without an entry that has enrolled it, the worker has resources of its own.
  startup({ threads: false });
  allocateId<OwnThread>(OWN.thread, { ctor: makeThread, dtor: endThread });
}

/**
 * Runs a request in a frame, so that what it asks for of request scope is its own. A frame costs time, and
 * is opened only where something belongs to requests.
 */
export function inRequest(
  request: { readonly requestId: string; readonly deadline: number },
  serve: () => Promise<void>,
): Promise<void> {
  if (!wantsRequests()) return runLoneRequest(() => keepRequest(request), serve);
  return runRequest({}, () => {
    keepRequest(request);
    return serve();
  }) as Promise<void>;
}

function keepRequest({ requestId, deadline }: Pick<OwnRequest, "requestId" | "deadline">): void {
  const id = allocateId(OWN.request, { ctor: makeRequest, scope: "request" });
  if (id === 0) return;
  Object.assign(resource<OwnRequest>(id), { requestId, deadline, logFields: { requestId } });
}

function makeThread(): OwnThread {
  return made;
}

function endThread({ store }: OwnThread): void {
  store[Symbol.dispose]?.();
}

function makeRequest(): OwnRequest {
  return { requestId: "", deadline: Infinity, logFields: {} };
}
