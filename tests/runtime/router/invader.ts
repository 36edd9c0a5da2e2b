/**
 * A neighbour that says anything.
 *
 * @module
 */

import { drawIdentity, type NodeIdentity } from "../../../runtime/router/address.ts";
import type { Frame } from "../../../runtime/router/frames.ts";
import { linkPair } from "../../../runtime/router/port_link.ts";
import { until, type Witness } from "./support.ts";

/** Who it is. */
export const SELF: NodeIdentity = drawIdentity(666);
/** What it sends. */
export const payload: Uint8Array = new Uint8Array([1]);

/** A frame that is right, with some fields changed. */
export function message(changes: object = {}, frame: object = {}): unknown {
  const envelope = {
    ...{ v: 1, src: SELF, seq: 1, to: { all: true }, from: SELF, hops: 1, kind: "data" },
    ...{ ackRequested: false, urgent: false, raw: true, payload },
    ...changes,
  };
  return { type: "message", ack: 0, seq: 1, envelope, ...frame };
}

/** A child that says anything. */
export interface Invader extends Disposable {
  say(value: unknown): void;
  heard: unknown[];
}

/** Puts a child that says anything below a node. */
export async function invade(victim: Witness): Promise<Invader> {
  const [down, up] = linkPair();
  const heard: unknown[] = [];
  let open = false;
  up.start({
    onOpen: () => void (open = true),
    onFrame: (value) => void heard.push(value),
    onFault() {},
    onEnd() {},
  });
  victim.node.attach(down, { identity: SELF, alias: "evil", direction: "child" });
  await until("the link is open", () => open);
  return {
    say: (value) => up.send(value as Frame),
    heard,
    [Symbol.dispose]: () => up.end(null),
  };
}
