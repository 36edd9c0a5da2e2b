/**
 * A tree of nodes that send each other messages, in the manner of a tree of processes.
 *
 * {@linkcode root} makes the first node; `fork` on any node starts a child, in a worker or a process with its own permissions. A message goes to a
 * pid, to an alias, to the members of a group or to everybody, and finds its way through the tree without tables: each node
 * hands it on. Messages between two nodes arrive in order and once; what a dead neighbour did not acknowledge is reported
 * as lost by the node next to it. Neighbours do not trust each other: what they send is checked and bounded.
 *
 * A node takes up what a neighbour sends one by one, so a listener that takes long holds up what comes over that link, also what
 * is for nodes behind; queues fill from there back to the sender, whose `submit` then refuses.
 *
 * {@linkcode Barrier} lets nodes wait for each other, and `killNode` raises signals of `pcntl` in them. A signal without a handler ends
 * a node only if it came from above; a child can stop nobody above it.
 *
 * It keeps nothing: a message to a node that is not there is gone, and no state outlives its node.
 *
 * @module
 */

import type {} from "./worker_child.ts";

export type { Address, Destination } from "./address.ts";
export { Barrier, type BarrierPlace } from "./barrier.ts";
export { BrokenBarrierError } from "./barrier_errors.ts";
export type { ChildState } from "./children.ts";
export type { PeerInfo } from "./connection.ts";
export type { ShutdownBehavior } from "./ending.ts";
export type { MessageId } from "./envelope.ts";
export { RouterError, type RouterErrorCode } from "./errors.ts";
export { type InterceptedEvent, type Interceptor, InterceptorListener } from "./interceptors.ts";
export type { ExitStatus } from "./link.ts";
export type { TreeOptions } from "./options.ts";
export type { Certainty } from "./outbox.ts";
export { runChild } from "./process_child.ts";
export { root } from "./root.ts";
export type {
  Executor,
  ForkOptions,
  ForkProgram,
  LostMessage,
  NodeMain,
  RemoteLoss,
  RoutedMessage,
  RouterEventListener,
  RouterStatistics,
  SubmitOptions,
} from "./types.ts";
