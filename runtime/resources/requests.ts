/**
 * Requests: opens a frame, runs what has to run before and after, and destroys what the request had.
 *
 * Workers load this file.
 *
 * @module
 */

import {
  addLone,
  closeFrame,
  createFrame,
  deleteLone,
  type Frame,
  type LoneRequest,
  prepareFrames,
  runInFrame,
} from "./frames.ts";
import { throwAll } from "./errors.ts";
import { hasRequestIds, makeEagerly } from "./resource.ts";
import { report, theWorld } from "./world.ts";

/** What a request begins with; hooks are given all of it. */
export interface RequestScopeInit {
  /**
   * Whether instances are made before the request begins, rather than at their first access.
   *
   * @default false
   */
  eager?: boolean;
  /** Ends the request when it aborts, also while its function still runs; hooks are waited for all the same. */
  signal?: AbortSignal;
  /** Whatever else hooks should know of the request. */
  [field: string]: unknown;
}

/** What runs around every request (RINIT and RSHUTDOWN). Either may return a promise, which is awaited. */
export interface RequestHooks {
  /** Runs before the request, in the order in which hooks were added. An error ends the request. */
  init?(request: RequestScopeInit): unknown;
  /** Runs after the request, in reverse, if `init` has run; the request's instances are still there. */
  shutdown?(request: RequestScopeInit): unknown;
}

const hooks: RequestHooks[] = [];

/** How a request ended. */
type Outcome = { value: unknown } | { error: unknown };

/**
 * Adds hooks around every request of this isolate that begins from now on.
 *
 * @returns Takes them away again.
 */
export function addRequestHooks(added: RequestHooks): () => void {
  // A copy, so that the same hooks may be added twice.
  const own: RequestHooks = {
    init: (request) => added.init?.(request),
    shutdown: (request) => added.shutdown?.(request),
  };
  hooks.push(own);
  prepareFrames();
  return () => {
    const at = hooks.indexOf(own);
    if (at >= 0) hooks.splice(at, 1);
  };
}

/**
 * Whether a request needs a frame here: a live resource belongs to requests, or there are hooks. While it is false,
 * the time that {@linkcode runRequest} takes can be saved.
 */
export function wantsRequests(): boolean {
  return hooks.length > 0 || hasRequestIds();
}

/**
 * Runs `fn` as a request: what it and all that it starts ask for of request scope is their own, and is destroyed when
 * `fn` has settled or `init.signal` aborts, the highest id first. Requests nest.
 *
 * If neither `fn` nor a hook returns a promise, all of this happens at once and the value is returned as it is.
 *
 * @typeParam T What `fn` returns.
 * @returns What `fn` returns, when the request has ended.
 *
 * @throws What `fn` or an `init` hook throws, or the signal's reason.
 * @throws {AggregateError} What destructors and `shutdown` hooks threw, if the request itself went well; if it did not,
 * that goes to the error handler.
 *
 * @example Usage
 * ```ts
 * import assert from "node:assert/strict";
 * import { resources } from "@tandem/tandem";
 *
 * resources.startup({ threads: false });
 * const seen = resources.allocateId("seen", { ctor: () => new Set<string>(), scope: "request" });
 * const visit = async (page: string) => {
 *   resources.resource<Set<string>>(seen).add(page);
 *   await Promise.resolve();
 *   return resources.resource<Set<string>>(seen).size;
 * };
 * const sizes = ["/a", "/b"].map((page) => resources.runRequest({}, () => visit(page)));
 * assert.deepEqual(await Promise.all(sizes), [1, 1]);
 * resources.shutdown();
 * ```
 */
export function runRequest<T>(
  init: RequestScopeInit,
  fn: () => T,
): T | Promise<Awaited<T>> {
  theWorld();
  init.signal?.throwIfAborted();
  const frame = createFrame();
  return runInFrame(frame, () => serve(frame, init, fn)) as T | Promise<Awaited<T>>;
}

/**
 * Runs `fn` as a request while {@linkcode wantsRequests} is false, which takes less time. If a resource is given
 * request scope meanwhile, the request has an instance all the same, unless others run beside it.
 *
 * @param prepare Runs before the first instance is made.
 * @throws What `fn` throws.
 * @throws {AggregateError} What destructors threw, if `fn` did not.
 */
export async function runLoneRequest<T>(prepare: () => void, fn: () => Promise<T>): Promise<T> {
  const request: LoneRequest = { frame: createFrame(), prepare };
  const errors: unknown[] = [];
  addLone(request);
  try {
    return await fn();
  } finally {
    deleteLone(request);
    closeFrame(request.frame, errors);
    throwAll(errors, "Cannot end the request without errors");
  }
}

function serve(frame: Frame, init: RequestScopeInit, fn: () => unknown): unknown {
  const begun: RequestHooks[] = [];
  const end = (outcome: Outcome) => finish(frame, init, begun, outcome);
  const run = () => {
    // Hooks may have taken their time.
    init.signal?.throwIfAborted();
    const result = fn();
    return init.signal && isThenable(result) ? untilAborted(result, init.signal) : result;
  };
  let result: unknown;
  try {
    if (init.eager === true) makeEagerly();
    const waiting = hooks.length > 0 ? start([...hooks], init, begun) : undefined;
    result = waiting === undefined ? run() : waiting.then(run);
  } catch (error) {
    return end({ error });
  }
  if (!isThenable(result)) return end({ value: result });
  return result.then((value) => end({ value }), (error) => end({ error }));
}

/** Runs the `init` hooks that are left; a promise if one of them has to be waited for. */
function start(
  left: RequestHooks[],
  init: RequestScopeInit,
  begun: RequestHooks[],
): PromiseLike<void> | undefined {
  for (let hook = left.shift(); hook !== undefined; hook = left.shift()) {
    const own = hook;
    const waiting = own.init!(init);
    if (isThenable(waiting)) {
      return waiting.then(() => {
        begun.push(own);
        return start(left, init, begun);
      });
    }
    begun.push(own);
  }
}

function finish(
  frame: Frame,
  init: RequestScopeInit,
  begun: RequestHooks[],
  outcome: Outcome,
): unknown {
  const errors: unknown[] = [];
  const waiting = begun.length > 0 ? stop(begun, init, errors) : undefined;
  const close = () => {
    closeFrame(frame, errors);
    if ("value" in outcome) {
      if (errors.length > 0) throwAll(errors, "Cannot end the request without errors");
      return outcome.value;
    }
    try {
      throwAll(errors, "Cannot end a request that has failed without further errors");
    } catch (error) {
      report(error);
    }
    throw outcome.error;
  };
  return waiting === undefined ? close() : waiting.then(close);
}

/** Runs the `shutdown` hooks that are left, the last one first; a promise if one has to be waited for. */
function stop(
  begun: RequestHooks[],
  init: RequestScopeInit,
  errors: unknown[],
): PromiseLike<void> | undefined {
  for (let hook = begun.pop(); hook !== undefined; hook = begun.pop()) {
    try {
      const waiting = hook.shutdown!(init);
      if (isThenable(waiting)) {
        const next = () => stop(begun, init, errors);
        return waiting.then(next, (error) => {
          errors.push(error);
          return next();
        });
      }
    } catch (error) {
      errors.push(error);
    }
  }
}

/** Settles like `result`, or rejects with the signal's reason when it aborts before. */
function untilAborted(result: PromiseLike<unknown>, signal: AbortSignal): Promise<unknown> {
  const { promise, resolve, reject } = Promise.withResolvers<unknown>();
  const abort = () => reject(signal.reason);
  if (signal.aborted) abort();
  else signal.addEventListener("abort", abort, { once: true });
  result.then(resolve, reject);
  return promise.finally(() => signal.removeEventListener("abort", abort));
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof (value as { then?: unknown } | null | undefined)?.then === "function";
}
