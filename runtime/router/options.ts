/**
 * How the nodes of a tree behave.
 *
 * @module
 */

import { checkFields, checkNumber, fail } from "../checks.ts";

/** How the nodes of a tree behave. Children have the options of the root. */
export interface TreeOptions {
  /**
   * How often neighbours are asked for a sign of life, in milliseconds. One that misses three is reported, and
   * given up where nothing else would tell its end, as with workers.
   *
   * @default 1000
   */
  heartbeatMs?: number;
  /**
   * How long a node that stops waits for its messages to be acknowledged, in milliseconds. A child has half of its
   * parent's time, but at least 100, so that it is done first.
   *
   * @default 2000
   */
  drainMs?: number;
  /**
   * How long a child may take until it runs, in milliseconds. Later it is ended.
   *
   * @default 10000
   */
  startMs?: number;
  /**
   * Whether a child process that misses three signs of life is killed. A worker always is, since its end shows in no
   * other way.
   *
   * @default false
   */
  killStuck?: boolean;
  /**
   * Whether nodes that lose somebody else's message report it to that node, as `onRemoteLoss`.
   *
   * @default false
   */
  reportLoss?: boolean;
  /**
   * Whether listeners also see what only passes through their node, with `forwarded` set.
   *
   * @default false
   */
  spy?: boolean;
  /**
   * How messages to a pid find their way: `flood` needs no knowledge, `learned` sends them towards the child that has announced
   * the pid, and floods where none has. What arrives is the same; with `spy` messages are flooded.
   *
   * @default "flood"
   */
  routing?: "flood" | "learned";
  /**
   * Whether `onInterruptReceive` is called for urgent messages, for programs that were written for it.
   *
   * @default false
   */
  legacyInterrupt?: boolean;
  /**
   * Whether a node whose parent is gone stops.
   *
   * @default "shutdown"
   */
  onParentLost?: "continue" | "shutdown";
  /**
   * How many messages may wait for one neighbour. More are refused with `QUEUE_FULL`.
   *
   * @default 16384
   */
  maxQueued?: number;
  /**
   * How many bytes of messages may wait for one neighbour.
   *
   * @default 67108864
   */
  maxQueuedBytes?: number;
}

/** Options with nothing left out. */
export type ResolvedTreeOptions = Readonly<Required<TreeOptions>>;

const DEFAULTS: ResolvedTreeOptions = Object.freeze({
  heartbeatMs: 1000,
  drainMs: 2000,
  startMs: 10_000,
  killStuck: false,
  reportLoss: false,
  spy: false,
  routing: "flood",
  legacyInterrupt: false,
  onParentLost: "shutdown",
  maxQueued: 16_384,
  maxQueuedBytes: 64 * 2 ** 20,
});

/** Checks options and fills in what was left out. */
export function resolveTreeOptions(options: TreeOptions = {}): ResolvedTreeOptions {
  checkFields("options", options, Object.keys(DEFAULTS));
  const given = Object.entries(options).filter(([, value]) => value !== undefined);
  const resolved: ResolvedTreeOptions = { ...DEFAULTS, ...Object.fromEntries(given) };
  for (
    const name of ["heartbeatMs", "drainMs", "startMs", "maxQueued", "maxQueuedBytes"] as const
  ) {
    checkNumber(name, resolved[name], name === "drainMs" ? 0 : 1);
  }
  for (const name of ["killStuck", "reportLoss", "spy", "legacyInterrupt"] as const) {
    if (typeof resolved[name] !== "boolean") fail(name, "true or false", resolved[name]);
  }
  if (!["continue", "shutdown"].includes(resolved.onParentLost)) {
    fail("onParentLost", '"shutdown" or "continue"', resolved.onParentLost);
  }
  if (!["flood", "learned"].includes(resolved.routing)) {
    fail("routing", '"flood" or "learned"', resolved.routing);
  }
  return Object.freeze(resolved);
}

/** The options of a node's children. */
export function childOptions(options: ResolvedTreeOptions): ResolvedTreeOptions {
  return { ...options, drainMs: Math.max(100, Math.floor(options.drainMs / 2)) };
}
