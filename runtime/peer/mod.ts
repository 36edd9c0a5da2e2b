/**
 * Calls between boxes over HTTP: a value goes out, a value comes back, and each side knows by a shared secret that it talks to a
 * box of its own deployment. What the values mean is not decided here.
 *
 * The secret is never sent. Whoever can read the way between sees the values, so a way that others share needs `https:`.
 *
 * @module
 */

import type { ResolvedPeers } from "../options/peers.ts";
import { readAddress } from "./address.ts";
import { PeerClient } from "./client.ts";
import { Gate } from "./gate.ts";
import { Keyring } from "./keyring.ts";
import { ReplayGuard } from "./replay.ts";
import { PeerServer, type PeerServerOptions } from "./server.ts";

export type { PeerAddress, Receiver } from "./address.ts";
export { AllowList, readAddress, readReceiver } from "./address.ts";
export { Answers, type Emit } from "./answers.ts";
export { type CallOptions, DEFAULT_TIMEOUT_MS, PeerClient, type StreamOptions } from "./client.ts";
export { type Deadline, Deadlines } from "./deadlines.ts";
export { PeerError, tooLate } from "./failures.ts";
export { Keyring, type Signed, type Unsigned } from "./keyring.ts";
export { ReplayGuard, type Seen } from "./replay.ts";
export { type PeerCall, type PeerHandler, PeerServer, type Verified } from "./server.ts";
export { decode, encode, Encoded, WIRE_VERSION } from "./wire.ts";

/** How {@linkcode Peers} is made, beside the site's options. */
export interface PeersSetup extends Pick<PeerServerOptions, "longestBodyMs" | "onUnencodable"> {
  /** The clock, in milliseconds since the epoch. @default Date.now */
  now?: () => number;
}

/** All that a box needs to call others and to be called. */
export class Peers implements Disposable {
  /** Calls other boxes. */
  readonly client: PeerClient;
  /** Answers other boxes. */
  readonly server: PeerServer;
  /** The keys of this box. */
  readonly keyring: Keyring;
  /** What was seen before; boxes that share an address tell each other. */
  readonly replay: ReplayGuard;

  /** Takes the site's options; nothing is opened before the first call. */
  constructor(peers: ResolvedPeers, { now = Date.now, ...answers }: PeersSetup = {}) {
    const { secrets, allow, self, clockSkewMs, maxMessageBytes, maxAnswerBytes } = peers;
    const limits = { maxMessageBytes, maxAnswerBytes };
    const [first] = self;
    const from = first === undefined ? "" : readAddress(first)?.name ?? first;
    const keyring = this.keyring = new Keyring(secrets, now);
    const replay = this.replay = new ReplayGuard({ clockSkewMs, now });
    const gate = new Gate({ keyring, replay, clockSkewMs, self, now });
    this.client = new PeerClient({ keyring, allow, from, ...limits });
    this.server = new PeerServer({ keyring, gate, ...limits, ...answers });
  }

  /** Ends the calls that are under way and lets all connections go; calls that came in end by themselves. */
  close(): void {
    this.client.close();
    this.replay.close();
  }

  /** Does as {@linkcode Peers.close}. */
  [Symbol.dispose](): void {
    this.close();
  }
}
