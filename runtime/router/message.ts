/**
 * A message as listeners see it.
 *
 * @module
 */

import type { NodeIdentity } from "./address.ts";
import { type Envelope, idOf, type MessageId } from "./envelope.ts";
import type { Executor, RoutedMessage } from "./types.ts";

/** Where a message is seen. */
export interface Place {
  executor: Executor;
  self: NodeIdentity;
  /** The pid of the neighbour that it came from. */
  link: number;
  forwarded: boolean;
}

/** A message at one node. */
export class Message implements RoutedMessage {
  readonly id: MessageId;
  readonly source: number;
  readonly destination: number | string;
  payload: unknown;
  readonly isUrgent: boolean;
  readonly isAck: boolean;
  readonly isBroadcast: boolean;
  readonly isUnicast: boolean;
  readonly group: string | undefined;
  readonly hops: number;
  readonly forwarded: boolean;
  readonly executor: Executor;
  readonly link: number;

  /** Describes an envelope. */
  constructor(envelope: Envelope, payload: unknown, place: Place) {
    const { src, seq, to, kind, ackOf, urgent, hops } = envelope;
    this.id = kind === "ack" ? idOf(place.self, ackOf!) : idOf(src, seq);
    this.source = src.pid;
    this.destination = "pid" in to ? to.pid : "alias" in to ? to.alias : 0;
    this.payload = payload;
    this.isUrgent = urgent;
    this.isAck = kind === "ack";
    this.isBroadcast = "all" in to;
    this.isUnicast = "pid" in to || "alias" in to;
    this.group = "group" in to ? to.group : undefined;
    this.hops = place.link === place.self.pid ? 0 : hops;
    this.forwarded = place.forwarded;
    this.executor = place.executor;
    this.link = place.link;
  }
}
