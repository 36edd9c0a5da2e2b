/**
 * The rule by which messages flood the tree, at one node.
 *
 * A message goes out on every link but the one that it came on, until it meets a node that it is meant for alone. Links exist
 * only between parent and child, so each node gets one copy; what comes twice all the same is dropped.
 *
 * @module
 */

import { Acks } from "./acks.ts";
import { type Address, type NodeIdentity, readDestination } from "./address.ts";
import { Connection, type ConnectionEvents, type ConnectionOptions } from "./connection.ts";
import {
  type Envelope,
  idOf,
  isSignal,
  type MessageId,
  type MessageKind,
  MOST_HOPS,
  VERSION,
} from "./envelope.ts";
import { RouterError } from "./errors.ts";
import { Groups } from "./groups.ts";
import type { Link } from "./link.ts";
import { Listeners } from "./listeners.ts";
import { describeLost, parseReport, reportsOf } from "./loss.ts";
import { Message } from "./message.ts";
import type { ResolvedTreeOptions } from "./options.ts";
import { decodePayload, encodePayload } from "./payload.ts";
import { Seen } from "./seen.ts";
import { resolveSubmit, type SubmitPlan } from "./submit.ts";
import type { Executor, RouterStatistics, SubmitOptions } from "./types.ts";
import { within } from "./within.ts";

/** How long the report of a lost neighbour waits for what had arrived from it, in milliseconds. */
const SETTLE_MS = 200;

/** What a router needs of its node. */
export interface RouterHost {
  readonly executor: Executor;
  readonly identity: NodeIdentity;
  readonly alias: string | undefined;
  readonly options: ResolvedTreeOptions;
  /** The parent asks this node to leave. */
  onLeave(): void;
  /** A neighbour is gone and has been reported. */
  onGone(connection: Connection): void;
}

/** Sends, forwards and delivers for one node. */
export class Router {
  readonly listeners = new Listeners();
  readonly groups = new Groups();
  readonly statistics: RouterStatistics = { duplicates: 0, delivered: 0, forwarded: 0 };
  readonly #host: RouterHost;
  readonly #connections = new Map<number, Connection>();
  readonly #seen = new Seen();
  readonly #unannounced = new Set<number>();
  readonly #acks: Acks;
  #seq = 0;

  /** Makes the router of a node. */
  constructor(host: RouterHost) {
    this.#host = host;
    this.#acks = new Acks((seq, answered) =>
      this.listeners.tell("onAckTimeout", idOf(host.identity, seq), answered)
    );
  }

  /** The links, those included that have ended and are not reported yet. */
  get connections(): Connection[] {
    return [...this.#connections.values()];
  }

  /** Takes a link to a neighbour. */
  attach(
    link: Link,
    peer: Pick<ConnectionOptions, "alias" | "direction" | "identity">,
  ): Connection {
    const { heartbeatMs, startMs, killStuck, maxQueued, maxQueuedBytes } = this.#host.options;
    const options = {
      ...peer,
      heartbeatMs,
      startMs,
      killStuck,
      limits: { frames: maxQueued, bytes: maxQueuedBytes },
    };
    const events: ConnectionEvents = {
      onMessage: (envelope, connection) => this.#receive(envelope, connection),
      onTransmit: (envelope) => this.#announce(envelope),
      onFault: (error) => this.listeners.fail("receive", error),
      onLeave: () => this.#host.onLeave(),
      onEnd: (connection) => void this.#lose(connection),
    };
    const connection = new Connection(link, options, events);
    this.#connections.set(peer.identity.pid, connection);
    connection.start();
    return connection;
  }

  /** Sends a message and returns its name. */
  submit(data: unknown, to: unknown, options?: SubmitOptions): MessageId {
    const address = readDestination(to);
    if (this.#isOwn(address)) throw loopback();
    const plan = resolveSubmit(options);
    if (plan.timeoutMs !== undefined) this.#acks.check();
    const payload = encodePayload(data, plan.raw);
    const seq = this.#send("data", address, payload, plan);
    if (plan.timeoutMs !== undefined) {
      this.#acks.wait(seq, !("all" in address || "group" in address), plan.timeoutMs);
    }
    return idOf(this.#host.identity, seq);
  }

  /** Sends a signal and returns the name of the message. */
  signal(pid: number, signal: number): MessageId {
    const to = readDestination({ pid });
    if (this.#isOwn(to)) throw loopback();
    if (!isSignal(signal)) {
      throw new RangeError(`Cannot signal: a signal is a number from 1 to 64, not ${signal}`);
    }
    const plan = { ack: false, raw: true, urgent: true };
    return idOf(this.#host.identity, this.#send("signal", to, new Uint8Array([signal]), plan));
  }

  /** Waits for no answers any more. */
  close(): void {
    this.#acks.close();
  }

  #send(
    kind: MessageKind,
    to: Address,
    payload: Envelope["payload"],
    plan: Pick<SubmitPlan, "ack" | "raw" | "urgent">,
  ): number {
    const direct = "pid" in to ? this.#connections.get(to.pid) : undefined;
    const targets = direct === undefined ? this.connections : [direct];
    for (const { identity, outbox } of targets) {
      if (outbox.full) throw queueFull(identity, outbox.queued);
    }
    const { ack, raw, urgent } = plan;
    const src = this.#host.identity;
    const seq = ++this.#seq;
    const hops = 1;
    const envelope: Envelope = {
      ...{ v: VERSION, src, seq, to, from: src, hops, kind },
      ...{ ackRequested: ack, urgent, raw, payload },
    };
    if (kind === "data" && targets.length > 0) this.#unannounced.add(seq);
    for (const { outbox } of targets) outbox.push(envelope);
    return seq;
  }

  async #receive(envelope: Envelope, link: Connection): Promise<void> {
    const { src, to, hops } = envelope;
    if (hops > MOST_HOPS) {
      const text = `Cannot forward message ${
        idOf(src, envelope.seq)
      }: it has crossed ${hops} links`;
      return this.listeners.fail("receive", new RouterError("HOPS_EXCEEDED", text));
    }
    if (src.inc === this.#host.identity.inc || !this.#seen.add(envelope)) {
      this.statistics.duplicates++;
      return;
    }
    const targeted = this.#isOwn(to);
    const forwarded = targeted ? undefined : this.#forward(envelope, link);
    if (targeted || "all" in to || ("group" in to && this.groups.has(to.group))) {
      await this.#deliver(envelope, link);
      if (envelope.ackRequested) this.#acknowledge(envelope, link);
    } else if (this.#host.options.spy && envelope.kind === "data") {
      await this.#show(envelope, link, true);
    }
    await forwarded;
  }

  async #forward(envelope: Envelope, link: Connection): Promise<void> {
    const copy = { ...envelope, from: this.#host.identity, hops: envelope.hops + 1 };
    await Promise.all(this.connections.map(async (connection) => {
      if (connection === link) return;
      const { outbox, identity } = connection;
      while (outbox.full && !connection.ended) await outbox.changed();
      // A link that has ended takes it as lost, until its loss has been reported.
      if (this.#connections.get(identity.pid) !== connection) return;
      outbox.push(copy);
      this.statistics.forwarded++;
    }));
  }

  async #deliver(envelope: Envelope, link: Connection): Promise<void> {
    if (envelope.kind === "data") return await this.#show(envelope, link, false);
    if (envelope.kind === "loss") return this.#tellLoss(envelope);
    if (envelope.kind === "signal") {
      return this.listeners.tell("onSignal", envelope.payload[0]!, envelope.src.pid);
    }
    if (envelope.ackOf! > this.#seq) return;
    this.#acks.answer(envelope.ackOf!, envelope.src.pid);
    await this.#show(envelope, link, false);
  }

  /** Decodes a message and runs the listeners. */
  async #show(envelope: Envelope, link: Connection, forwarded: boolean): Promise<void> {
    let payload: unknown;
    try {
      if (envelope.kind === "data") payload = decodePayload(envelope.payload, envelope.raw);
    } catch (cause) {
      const text = `Cannot read message ${idOf(envelope.src, envelope.seq)}: it is damaged`;
      return this.listeners.fail("receive", new RouterError("BAD_MESSAGE", text, { cause }));
    }
    this.statistics.delivered++;
    const { executor, identity } = this.#host;
    const place = { executor, self: identity, link: link.identity.pid, forwarded };
    await this.listeners.run("onMessageReceived", new Message(envelope, payload, place));
  }

  #acknowledge({ src, seq }: Envelope, link: Connection): void {
    if (link.outbox.overflowing) {
      this.listeners.fail("send", queueFull(link.identity, link.outbox.queued));
      return link.kill();
    }
    if (this.#connections.get(link.identity.pid) !== link) return;
    const self = this.#host.identity;
    link.outbox.push({
      ...{ v: VERSION, src: self, seq: ++this.#seq, to: { pid: src.pid }, from: self, hops: 1 },
      ...{ kind: "ack", ackOf: seq, ackRequested: false, urgent: false, raw: true },
      payload: new Uint8Array(0),
    });
  }

  #tellLoss({ src, payload }: Envelope): void {
    let report: ReturnType<typeof parseReport>;
    try {
      report = parseReport(decodePayload(payload, false), this.#seq);
    } catch {
      // A damaged report says nothing.
    }
    if (report === undefined) return;
    const { peer, maybe, never } = report;
    const tell = (certainty: "maybe-processed" | "never-sent") => (seq: number) => {
      const id = idOf(this.#host.identity, seq);
      this.listeners.tell("onRemoteLoss", { id, reporter: src.pid, peer, certainty });
    };
    maybe.forEach(tell("maybe-processed"));
    never.forEach(tell("never-sent"));
  }

  /** Calls `onMessageSent` for a message of this node that has left for the first time. */
  #announce(envelope: Envelope): void {
    const { executor, identity } = this.#host;
    if (envelope.src !== identity || !this.#unannounced.delete(envelope.seq)) return;
    queueMicrotask(() => {
      const { payload, raw } = envelope;
      const place = { executor, self: identity, link: identity.pid, forwarded: false };
      if (!this.listeners.wants("onMessageSent")) return;
      const message = new Message(envelope, decodePayload(payload, raw), place);
      void this.listeners.run("onMessageSent", message);
    });
  }

  /** Reports a neighbour that is gone, when all that it had sent is done with or a moment has passed. */
  async #lose(connection: Connection): Promise<void> {
    await within(connection.idle(), SETTLE_MS);
    const { identity: { pid }, outbox } = connection;
    if (this.#connections.get(pid) === connection) this.#connections.delete(pid);
    const lost = outbox.close();
    const { executor, identity, options } = this.#host;
    for (const { envelope } of lost) {
      if (envelope.src === identity) this.#unannounced.delete(envelope.seq);
    }
    if (options.reportLoss) this.#report(lost, pid);
    const described = lost.map((one) => describeLost(one, identity));
    await this.listeners.run("onPeerShutdown", executor, connection.peer, described);
    this.#host.onGone(connection);
  }

  #report(lost: ReturnType<Connection["outbox"]["close"]>, peer: number): void {
    try {
      for (const [pid, report] of reportsOf(lost, peer, this.#host.identity)) {
        const plan = { ack: false, raw: false, urgent: false };
        this.#send("loss", { pid }, encodePayload(report, false), plan);
      }
    } catch (error) {
      this.listeners.fail("send", error);
    }
  }

  #isOwn(to: Address): boolean {
    const { identity, alias } = this.#host;
    return "pid" in to ? to.pid === identity.pid : "alias" in to && to.alias === alias;
  }
}

function loopback(): RouterError {
  return new RouterError("LOOPBACK", "Cannot send: the destination is this node itself");
}

function queueFull({ pid }: NodeIdentity, waiting: number): RouterError {
  return new RouterError(
    "QUEUE_FULL",
    `Cannot send to node ${pid}: ${waiting} messages wait for it`,
  );
}
