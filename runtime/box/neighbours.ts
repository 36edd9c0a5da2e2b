/**
 * The boxes that a box can reach, and that can reach it: those of its machine, and those elsewhere.
 *
 * @module
 */

import { RuntimeError } from "../errors.ts";
import type { ResolvedOptions } from "../options.ts";
import { AllowList, type PeerAddress, Peers, readAddress, type Seen } from "../peer/mod.ts";
import { blame, failureAnswer } from "../xbox/blame.ts";
import type { Carried, Outgoing, Receive } from "../xbox/carrier.ts";
import { RemoteMessages } from "../xbox/remote.ts";
import { withoutSiblings } from "../xbox/sibling/failures.ts";
import type { Siblings } from "../xbox/siblings.ts";

/** Names by which a machine reaches what listens on some addresses of its own. */
const LOOPBACKS: Readonly<Record<string, readonly string[]>> = {
  "0.0.0.0": ["127.0.0.1", "localhost"],
  "127.0.0.1": ["127.0.0.1", "localhost"],
  localhost: ["127.0.0.1", "localhost", "[::1]"],
  "[::]": ["127.0.0.1", "localhost", "[::1]"],
  "[::1]": ["localhost", "[::1]"],
};

/** What boxes that share a port tell each other: which requests were used up. */
const USED = "used requests";
/** So many are told at once: what siblings tell each other is small. Each takes 57 bytes at most. */
const MOST_USED = 1000;

/** Reaches other boxes. */
export class Neighbours {
  /** Addresses by which this box is known. */
  readonly self: Set<string>;
  readonly #allowed: AllowList;
  readonly #siblings: Siblings | undefined;
  readonly #peers: Peers | undefined;
  readonly #messages: RemoteMessages;
  #name: string;

  constructor({ name, peers }: ResolvedOptions, siblings: Siblings | undefined) {
    this.self = new Set(peers.self.map((text) => readAddress(text)?.name ?? text));
    this.#name = this.self.values().next().value ?? name;
    this.#allowed = new AllowList(peers.allow);
    this.#siblings = siblings;
    this.#messages = new RemoteMessages({
      maxMessageBytes: peers.maxMessageBytes,
      encode: (to, value) => this.#peers!.client.encode(to, value),
      call: (to, path, value, options) =>
        this.#peers!.client.call(to, path, value, { ...options, from: this.#name }),
      stream: (to, path, value, options) =>
        this.#peers!.client.stream(to, path, value, { ...options, from: this.#name }),
    });
    if (peers.secrets.length === 0) return;
    const { replay } = this.#peers = new Peers(peers, { onUnencodable: failureAnswer });
    if (siblings === undefined) return;
    replay.onSeen((seen) => {
      for (let at = 0; at < seen.length; at += MOST_USED) {
        siblings.gossip(USED, seen.slice(at, at + MOST_USED));
      }
    });
    siblings.onGossip(USED, (told) => readSeen(told).forEach((one) => replay.note(...one)));
  }

  /** Answers calls of boxes elsewhere; nothing without a secret. */
  get peers(): Peers | undefined {
    return this.#peers;
  }

  /** Says where the box answers. */
  knownAs(hostname: string, port: number): void {
    const host = hostname.includes(":") && !hostname.startsWith("[") ? `[${hostname}]` : hostname;
    const isNamed = this.self.size > 0;
    for (const name of LOOPBACKS[host] ?? [host]) this.self.add(`${name}:${port}`);
    if (!isNamed) this.#name = `${host}:${port}`;
  }

  /** Hands messages of other boxes to the workers of this one. */
  serve(receive: Receive): void {
    this.#siblings?.serve(receive);
  }

  /**
   * Says whether a box elsewhere may be reached.
   *
   * @throws {RuntimeError} `PEER_DENIED` if it may not.
   */
  checkReach(address: PeerAddress): void {
    if (!this.#allowed.allows({ kind: "remote", address })) {
      throw denied(address, `the site's option "peers.allow" does not name it`);
    }
    if (this.#peers === undefined) {
      throw denied(address, `the site's option "peers.secrets" has none`);
    }
  }

  /** Brings a message to a box elsewhere. */
  remote(address: PeerAddress, outgoing: Outgoing): Carried {
    this.checkReach(address);
    return this.#messages.carry(address, outgoing);
  }

  /** Brings a message to a box of this machine. */
  sibling(name: string, outgoing: Outgoing): Carried {
    if (this.#siblings === undefined) throw withoutSiblings(name);
    return this.#siblings.carry(name, outgoing);
  }

  /** Answers a request of a box elsewhere. */
  answer(request: Request, receive: Receive): Promise<Response> {
    return this.#peers!.server.answer(request, (call) => this.#messages.receive(receive, call));
  }

  /** Whether a request of any kind brings the credential of a box elsewhere. */
  async isPeer(request: Request, read: () => Promise<Uint8Array>): Promise<boolean> {
    return !(await this.#peers!.server.verify(request, read) instanceof Response);
  }

  /** Ends what is under way to boxes elsewhere. */
  close(): void {
    this.#peers?.close();
  }
}

function denied({ name }: PeerAddress, why: string): RuntimeError {
  const error = new RuntimeError("PEER_DENIED", `Cannot send a message to "${name}": ${why}`);
  return blame(error, { side: "sender", mayHaveRun: false });
}

/** Reads what a box of this machine has told. */
function readSeen(told: unknown): Seen[] {
  if (!Array.isArray(told)) return [];
  return told.slice(0, MOST_USED).filter((one): one is Seen =>
    Array.isArray(one) && typeof one[0] === "string" && Number.isSafeInteger(one[1]) &&
    Number.isFinite(one[2])
  );
}
