/**
 * Functions that can be called from outside, as they and those who call them see it.
 *
 * @module
 */

import type { Globals, ServerInfo } from "./document.ts";
import type { Log } from "./log.ts";
import type { Pagelets } from "./pagelet.ts";
import type { Store } from "./store.ts";
import type { Session, Xbox } from "./xbox.ts";

/**
 * What a function of the rpc document finds as `this`. An arrow function has none.
 *
 * @example Usage
 * ```ts
 * import assert from "node:assert/strict";
 * import type { RpcContext } from "@tandem/tandem";
 *
 * function visit(this: Pick<RpcContext, "session">, name: string) {
 *   return `${name}, call ${this.session.requests}`;
 * }
 *
 * const session = { id: "s", startedAt: 0, requests: 3, locals: {} };
 * assert.equal(visit.call({ session }, "Ada"), "Ada, call 3");
 * ```
 */
export interface RpcContext {
  /** The shared store. */
  readonly store: Store;
  /** Sends messages to the site's xbox document. */
  readonly xbox: Xbox;
  /** Starts pagelets. */
  readonly pagelets: Pagelets;
  /** The true globals. */
  readonly globals: Globals;
  /** What is known about the box. */
  readonly server: ServerInfo;
  /** What this worker keeps between calls, from request init to reset. */
  readonly session: Session;
  /** Unique to this call. */
  readonly requestId: string;
  /** Aborts when the caller has gone or the time is up. */
  readonly signal: AbortSignal;
  /** Writes to the box's log, with the call's id. */
  readonly log: Log;
  /**
   * Adds to the printed output, which calls with `output` 1 and 2 ask for (`echo`); the others drop it.
   *
   * @throws {RuntimeError} `RESULT_TOO_LARGE` once all of it is above `maxResultBytes`.
   */
  print(text: string): void;
  /**
   * Sets the status of the answer in place of 200; the last one counts.
   *
   * @throws {RangeError} If it is no whole number from 200 to 599.
   */
  status(code: number): void;
  /** Lets this worker be replaced before its next call, as the parameter `reset=1` does. */
  scheduleReset(): void;
  /** Runs `fn` after the function and before its value is sent; an error takes the value's place. */
  onShutdown(fn: () => unknown): void;
  /** Runs `fn` after the value was sent; an error is only logged. */
  onPostSend(fn: () => unknown): void;
  /** Runs `fn` after the value was sent and all post-send work; an error is only logged. */
  onCleanup(fn: () => unknown): void;
  /** Lets work go on after the value was sent; the worker stays with the call until it has settled. */
  waitUntil(promise: Promise<unknown>): void;
}

/** Names that no client can call: promises, classes, text and JSON look for them on every object. */
type Reserved =
  | "default"
  | "then"
  | "constructor"
  | "prototype"
  | "toJSON"
  | "toString"
  | "valueOf"
  | "__proto__";

/**
 * The functions of a module as a client has them: each without its `this`, its value in a promise.
 *
 * @typeParam M The module, as `typeof import("./rpc.ts")`. What it exports that is no function, is left out.
 */
export type RpcClient<M> = {
  readonly [
    K in keyof M as K extends Reserved ? never
      : M[K] extends (...args: never) => unknown ? K
      : never
  ]: M[K] extends (...args: infer A) => infer R ? (...args: A) => Promise<Awaited<R>>
    : never;
};

/** How functions of another box are called. */
export interface RpcClientOptions {
  /** One of the words of that box's option `rpc.passwords`; visible ASCII, since it travels in a header. */
  password?: string;
  /** Longest time of a call in milliseconds, also for the function itself. @default 30000 */
  timeoutMs?: number;
  /** Ends all calls of this client when it aborts. */
  signal?: AbortSignal;
  /** Sends requests in place of the global `fetch`. */
  fetch?: (url: string, init: RequestInit) => Promise<Response>;
  /** Headers of every request, beside those of the protocol. */
  headers?: HeadersInit;
  /** Largest answer in bytes. @default 64 MiB */
  maxAnswerBytes?: number;
}
