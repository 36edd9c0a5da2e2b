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
  type MessageId,
  type MessageKind,
  MOST_HOPS,
  VERSION,
} from "./envelope.ts";
import { RouterError } from "./errors.ts";
import { Groups } from "./groups.ts";
import type { Link } from "./link.ts";
import { Listeners } from "./listeners.ts";
import { describeLost, isTold, parseReport, reportsOf } from "./loss.ts";
import { Message } from "./message.ts";
import type { ResolvedTreeOptions } from "./options.ts";
import { decodePayload, encodePayload } from "./payload.ts";
import { Routes } from "./routes.ts";
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
  /** The pids from the root to the node above this one. */
  readonly above: readonly number[];
  /** The parent asks this node to leave. */
  onLeave(): void;
  /** A neighbour is gone and has been reported. */
  onGone(connection: Connection): void;
  /** A message has been handled, or the end of a neighbour. */
  onHandled(): void;
  /** A neighbour has acknowledged everything. */
  onIdle(): void;
  /** Another node, behind a neighbour, says something about what both keep together. */
  onControl(value: unknown, source: { pid: number; via: number }): void;
  /** A signal has come for this node, over the link to its parent or from below. */
  onSignal(signo: number, source: number, above: boolean): void;
}

/** Sends, forwards and delivers for one node. */
export class Router {
  readonly listeners = new Listeners();
  readonly groups = new Groups();
  readonly statistics: RouterStatistics = { duplicates: 0, delivered: 0, forwarded: 0 };
  readonly #host: RouterHost;
  readonly #connections = new Map<number, Connection>();
  readonly #unannounced = new Set<number>();
  readonly #acks: Acks;
  readonly #routes: Routes | undefined;
  #seq = 0;

  /** Makes the router of a node. */
  constructor(host: RouterHost) {
    this.#host = host;
    // Whoever watches what passes needs it to pass.
    const { routing, spy } = host.options;
    this.#routes = routing === "learned" && !spy ? new Routes() : undefined;
    this.#acks = new Acks((seq, answered) =>
      this.listeners.tell("onAckTimeout", idOf(host.identity, seq), answered)
    );
  }

  /** The links, those included that have ended and are not reported yet. */
  get connections(): Connection[] {
    return [...this.#connections.values()];
  }

  /** A child whose link has not ended. */
  child(pid: number): Connection | undefined {
    const connection = this.#connections.get(pid);
    return connection?.direction === "child" && !connection.ended ? connection : undefined;
  }

  /** Takes a link to a neighbour, which begins with {@linkcode Router.start}. */
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
      onIdle: () => this.#host.onIdle(),
      onAnnounce: (pids, connection) => this.#learn(pids, connection),
      onWithdraw: (pids, connection) => this.#unlearn(pids, connection),
      onEnd: (connection) => void this.#lose(connection),
    };
    const connection = new Connection(link, options, events);
    this.#connections.set(peer.identity.pid, connection);
    return connection;
  }

  /** Begins to listen to a neighbour, and tells a parent what is below. */
  start(connection: Connection): void {
    connection.start();
    if (this.#routes === undefined) return;
    const { direction, identity } = connection;
    if (direction === "child") return this.#tellParent("announce", [identity.pid]);
    const children = this.connections.filter(({ direction }) => direction === "child");
    const pids = children.map(({ identity }) => identity.pid);
    connection.tellPids("announce", [...pids, ...this.#routes.pids]);
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
      this.#acks.wait(seq, address, plan.timeoutMs);
    }
    return idOf(this.#host.identity, seq);
  }

  /** Sends a signal. */
  signal(pid: number, signal: number): void {
    const to = readDestination({ pid });
    if (this.#isOwn(to)) throw loopback();
    const plan = { ack: false, raw: true, urgent: true };
    this.#send("signal", to, new Uint8Array([signal]), plan);
  }

  /** Answers a node that is behind a neighbour. It is not refused where that is slow, until it is far too slow. */
  answer(pid: number, value: unknown, via: number): void {
    const link = this.#connections.get(via);
    if (link === undefined || this.#cutOff(link)) return;
    const plan = { ack: false, raw: false, urgent: false };
    this.#send("control", { pid }, encodePayload(value, false), plan, link);
  }

  /** Tells another node something about what both keep together. */
  control(pid: number, value: unknown): void {
    const plan = { ack: false, raw: false, urgent: false };
    this.#send("control", { pid }, encodePayload(value, false), plan);
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
    way?: Connection,
  ): number {
    const only = way ?? this.#onlyWay(to);
    const targets = only === undefined ? this.connections : [only];
    for (const { identity, outbox } of targets) {
      if (way === undefined && outbox.full) throw queueFull(identity, outbox.queued);
    }
    const { ack, raw, urgent } = plan;
    const src = this.#host.identity;
    const seq = ++this.#seq;
    const hops = 1;
    const envelope: Envelope = {
      v: VERSION,
      src,
      seq,
      to,
      from: src,
      hops,
      kind,
      ackRequested: ack,
      ackOf: undefined,
      urgent,
      raw,
      payload,
    };
    if (kind === "data" && targets.length > 0) this.#unannounced.add(seq);
    for (const { outbox } of targets) outbox.push(envelope);
    return seq;
  }

  /** Takes a message; returns a promise where something has to be waited for. */
  #receive(envelope: Envelope, link: Connection): Promise<void> | undefined {
    const { src, to, hops } = envelope;
    if (hops > MOST_HOPS) {
      const text = `Cannot forward message ${
        idOf(src, envelope.seq)
      }: it has crossed ${hops} links`;
      this.listeners.fail("receive", new RouterError("HOPS_EXCEEDED", text));
      return;
    }
    if (!this.#mayCome(src, link) || !link.seen.add(envelope)) {
      this.statistics.duplicates++;
      return;
    }
    const targeted = this.#isOwn(to);
    const forwarded = targeted ? undefined : this.#forward(envelope, link);
    let shown: Promise<void> | undefined;
    if (targeted || "all" in to || ("group" in to && this.groups.has(to.group))) {
      shown = this.#deliver(envelope, link);
      if (envelope.ackRequested) {
        if (shown === undefined) this.#acknowledge(envelope, link);
        else shown = shown.then(() => this.#acknowledge(envelope, link));
      }
    } else if (this.#host.options.spy && envelope.kind === "data") {
      shown = this.#show(envelope, link, true);
    }
    if (forwarded === undefined) return shown;
    return shown === undefined ? forwarded : shown.then(() => forwarded);
  }

  /**
   * Whether messages of a node can come over a link: there is one way from each to each, so nobody can speak in the name of a node
   * that is elsewhere, as far as its place is known.
   */
  #mayCome(src: NodeIdentity, link: Connection): boolean {
    const { executor, identity, above } = this.#host;
    if (src.inc === identity.inc || src.pid === identity.pid) return false;
    const neighbour = this.#connections.get(src.pid);
    if (neighbour !== undefined) return neighbour === link && neighbour.identity.inc === src.inc;
    if (link.seen.knows(src)) return true;
    const isAbove = src.pid === executor.getRootPid() || above.includes(src.pid);
    if (isAbove && link.direction === "child") return false;
    return !this.connections.some(({ seen }) => seen.knows(src));
  }

  get #parent(): Connection | undefined {
    return this.connections.find(({ direction }) => direction === "parent");
  }

  /** The link that alone leads to a pid, if that is known. */
  #onlyWay(to: Address): Connection | undefined {
    if (!("pid" in to)) return undefined;
    const direct = this.#connections.get(to.pid);
    if (direct !== undefined || this.#routes === undefined) return direct;
    // The root is above, for all but itself.
    if (to.pid === this.#host.executor.getRootPid()) return this.#parent;
    const child = this.#routes.via(to.pid);
    return child === undefined ? undefined : this.#connections.get(child);
  }

  #learn(pids: readonly number[], { identity, direction }: Connection): void {
    if (this.#routes === undefined || direction !== "child") return;
    const own = this.#host.identity.pid;
    const strange = pids.filter((pid) => pid !== own && !this.#connections.has(pid));
    this.#tellParent("announce", this.#routes.learn(strange, identity.pid));
  }

  /** What is not known any more is looked for everywhere, as pids are used again. */
  #unlearn(pids: readonly number[], { identity }: Connection): void {
    if (this.#routes !== undefined) {
      this.#tellParent("withdraw", this.#routes.unlearn(pids, identity.pid));
    }
  }

  #tellParent(type: "announce" | "withdraw", pids: readonly number[]): void {
    if (pids.length > 0) this.#parent?.tellPids(type, pids);
  }

  #forward(envelope: Envelope, link: Connection): Promise<void> | undefined {
    const only = this.#routes === undefined ? undefined : this.#onlyWay(envelope.to);
    const targets = only === undefined ? this.#connections.values() : [only];
    let copy: Envelope | undefined;
    const waiting: Promise<void>[] = [];
    for (const connection of targets) {
      if (connection === link) continue;
      copy ??= { ...envelope, from: this.#host.identity, hops: envelope.hops + 1 };
      if (connection.outbox.full) waiting.push(this.#handLater(copy, connection));
      else this.#hand(copy, connection);
    }
    return waiting.length === 0 ? undefined : Promise.all(waiting).then(() => {});
  }

  async #handLater(copy: Envelope, connection: Connection): Promise<void> {
    const { outbox } = connection;
    while (outbox.full && !connection.ended) await outbox.changed();
    this.#hand(copy, connection);
  }

  #hand(copy: Envelope, { identity: { pid }, outbox }: Connection): void {
    // A link that has ended takes it as lost, until its loss has been reported.
    if (this.#connections.get(pid)?.outbox !== outbox) return;
    outbox.push(copy);
    this.statistics.forwarded++;
  }

  #deliver(envelope: Envelope, link: Connection): Promise<void> | undefined {
    switch (envelope.kind) {
      case "data":
        return this.#show(envelope, link, false);
      case "ack":
        if (envelope.ackOf! > this.#seq) return;
        this.#acks.answer(envelope.ackOf!, envelope.src.pid);
        return this.#show(envelope, link, false);
      case "loss":
        this.#tellLoss(envelope);
        return;
      case "signal":
        this.#signal(envelope, link);
        return;
      case "control":
        this.#hear(envelope, link);
    }
  }

  #hear({ src, payload, raw }: Envelope, { identity }: Connection): void {
    try {
      this.#host.onControl(decodePayload(payload, raw), { pid: src.pid, via: identity.pid });
    } catch (error) {
      this.listeners.fail("receive", error);
    }
  }

  #signal({ src, payload }: Envelope, { direction }: Connection): void {
    try {
      this.#host.onSignal(Number(payload[0]), src.pid, direction === "parent");
    } catch (error) {
      this.listeners.fail("receive", error);
    }
  }

  /** Decodes a message and runs the listeners. */
  #show(envelope: Envelope, link: Connection, forwarded: boolean): Promise<void> | undefined {
    let payload: unknown;
    try {
      if (envelope.kind === "data") payload = decodePayload(envelope.payload, envelope.raw);
    } catch (cause) {
      const text = `Cannot read message ${idOf(envelope.src, envelope.seq)}: it is damaged`;
      this.listeners.fail("receive", new RouterError("BAD_MESSAGE", text, { cause }));
      return;
    }
    this.statistics.delivered++;
    const { executor, identity, options } = this.#host;
    const place = { executor, self: identity, link: link.identity.pid, forwarded };
    const message = new Message(envelope, payload, place);
    if (envelope.urgent && options.legacyInterrupt) {
      this.listeners.tell("onInterruptReceive", message);
    }
    const run = this.listeners.run("onMessageReceived", message);
    if (run !== undefined) return run.then(() => this.#host.onHandled());
    this.#host.onHandled();
  }

  #acknowledge({ src, seq }: Envelope, link: Connection): void {
    if (this.#cutOff(link)) return;
    if (this.#connections.get(link.identity.pid) !== link) return;
    const self = this.#host.identity;
    link.outbox.push({
      ...{ v: VERSION, src: self, seq: ++this.#seq, to: { pid: src.pid }, from: self, hops: 1 },
      ...{ kind: "ack", ackOf: seq, ackRequested: false, urgent: false, raw: true },
      payload: "",
    });
  }

  /** Ends a link for which even what may not wait is too much. */
  #cutOff(link: Connection): boolean {
    if (!link.outbox.overflowing) return false;
    this.listeners.fail("send", queueFull(link.identity, link.outbox.queued));
    link.kill();
    return true;
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
    if (this.#routes !== undefined && connection.direction === "child") {
      this.#tellParent("withdraw", [pid, ...this.#routes.forget(pid)]);
    }
    const lost = outbox.close();
    const { executor, identity, options } = this.#host;
    for (const { envelope } of lost) {
      if (envelope.src === identity) this.#unannounced.delete(envelope.seq);
    }
    if (options.reportLoss) this.#report(lost, pid);
    const described = lost.filter(isTold).map((one) => describeLost(one, identity));
    const told = this.listeners.run("onPeerShutdown", executor, connection.peer, described);
    // What follows must happen, whatever listeners do.
    if (told !== undefined) await within(told, options.drainMs + SETTLE_MS);
    this.#host.onGone(connection);
    this.#host.onHandled();
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
