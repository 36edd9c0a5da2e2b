/**
 * What can go wrong in a tree of nodes: one class, told apart by its code.
 *
 * @module
 */

import { type ErrorCode, RuntimeError } from "../errors.ts";

/** The codes that a {@linkcode RouterError} can have. */
export type RouterErrorCode = Extract<
  ErrorCode,
  | "BAD_MESSAGE"
  | "BARRIER_BROKEN"
  | "BARRIER_BUSY"
  | "HOPS_EXCEEDED"
  | "LOOPBACK"
  | "NODE_STOPPED"
  | "PEER_STUCK"
  | "QUEUE_FULL"
>;

/** The number of each code, as the system's own errors have one. */
const NUMBERS: Readonly<Record<RouterErrorCode, number>> = Object.freeze({
  BAD_MESSAGE: 74,
  BARRIER_BROKEN: 32,
  BARRIER_BUSY: 16,
  HOPS_EXCEEDED: 40,
  LOOPBACK: 22,
  NODE_STOPPED: 108,
  PEER_STUCK: 110,
  QUEUE_FULL: 105,
});

/**
 * Why a message was not taken, or what a neighbour did wrong.
 *
 * `LOOPBACK`: a node wrote to itself. `NODE_STOPPED`: the node was told to stop. `QUEUE_FULL`: a neighbour is too slow for
 * what is sent to it. `HOPS_EXCEEDED`: a message went round. `BAD_MESSAGE`: a neighbour broke the protocol.
 * `PEER_STUCK`: a neighbour does not answer. `BARRIER_BROKEN`: somebody has left a barrier. `BARRIER_BUSY`: somebody waits at it.
 *
 * @example Usage
 * ```ts
 * import assert from "node:assert/strict";
 * import { tree } from "@tandem/tandem";
 *
 * await using root = tree.root();
 * assert.throws(() => root.submit("hello", "root"), { name: "RouterError", code: "LOOPBACK" });
 * ```
 */
export class RouterError extends RuntimeError {
  /** The number that the system uses for this kind of error on Linux. */
  readonly errno: number;

  /** Makes one with a message for people. */
  constructor(code: RouterErrorCode, message: string, options?: ErrorOptions) {
    super(code, message, options);
    this.name = "RouterError";
    this.errno = NUMBERS[code];
  }
}
