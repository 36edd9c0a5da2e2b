/**
 * A neighbour: one link with its numbers, its acknowledgements and its signs of life.
 *
 * What a neighbour sends is checked and may not exceed the window; whoever breaks that is cut off.
 *
 * @module
 */

import type { NodeIdentity } from "./address.ts";
import { type Envelope, sizeOf } from "./envelope.ts";
import { RouterError } from "./errors.ts";
import { type Frame, parseFrame, toWire, WINDOW } from "./frames.ts";
import { Heartbeat } from "./heartbeat.ts";
import type { ExitStatus, Link } from "./link.ts";
import { Outbox, type QueueLimits } from "./outbox.ts";
import { LARGEST_PAYLOAD } from "./payload.ts";
import { Queue } from "./queue.ts";
import { inParts } from "./routes.ts";
import { Seen } from "./seen.ts";
import { Turnstile } from "./turnstile.ts";

/** How many messages may be finished with before the neighbour is told, and how long that may wait in milliseconds. */
const ACK_EVERY = 64;
const ACK_AFTER_MS = 20;

/** A neighbour, for those who listen. */
export interface PeerInfo {
  /** Its process id, or what stands for it in a worker. */
  readonly pid: number;
  /** Its alias, if it has one. */
  readonly alias: string | undefined;
  /** Whether it is the parent of this node or a child. */
  readonly direction: "child" | "parent";
  /** How it ended: known for children that ended in order, crashed or were killed from here. */
  readonly status: ExitStatus | null;
}

/** What a connection needs of the node that it belongs to. */
export interface ConnectionEvents {
  /** A message has arrived. The neighbour is told that it is done at once, or when the promise has settled if there is one. */
  onMessage(envelope: Envelope, connection: Connection): Promise<void> | undefined;
  /** A message has been handed to the channel. */
  onTransmit(envelope: Envelope): void;
  /** Something went wrong at this neighbour. */
  onFault(error: unknown): void;
  /** The neighbour asks this node to leave. */
  onLeave(): void;
  /** The neighbour has acknowledged everything. */
  onIdle(): void;
  /** The neighbour tells which nodes are below it. */
  onAnnounce(pids: readonly number[], connection: Connection): void;
  /** The neighbour tells which of them are gone. */
  onWithdraw(pids: readonly number[], connection: Connection): void;
  /** The link has ended; called once. */
  onEnd(connection: Connection): void;
}

/** Who is at the other end and how it is treated. */
export interface ConnectionOptions {
  identity: NodeIdentity;
  alias: string | undefined;
  direction: "child" | "parent";
  /** How often signs of life are looked for, in milliseconds. */
  heartbeatMs: number;
  /** How long the neighbour may take until it listens, in milliseconds. */
  startMs: number;
  /** Whether a neighbour that shows none is cut off although its link would report its end. */
  killStuck: boolean;
  limits: QueueLimits;
}

/** One neighbour. */
export class Connection {
  /** Who it is. */
  readonly identity: NodeIdentity;
  /** What waits for it. */
  readonly outbox: Outbox;
  /** What has come from it. */
  readonly seen: Seen = new Seen();
  readonly #link: Link;
  readonly #options: ConnectionOptions;
  readonly #events: ConnectionEvents;
  readonly #inbox = new Queue<Envelope>();
  readonly #beat: Heartbeat;
  readonly #idle = new Turnstile();
  #received = 0;
  #finished = 0;
  #acknowledged = 0;
  #heldBytes = 0;
  #ackTimer: ReturnType<typeof setTimeout> | undefined;
  #answeredAt = -Infinity;
  #working = false;
  #started = false;
  #open = false;
  #leaving = false;
  #stopped = false;
  #ended = false;
  #status: ExitStatus | null = null;
  #startTimer: ReturnType<typeof setTimeout> | undefined;

  /** Takes over a link and begins to listen. */
  constructor(link: Link, options: ConnectionOptions, events: ConnectionEvents) {
    this.identity = options.identity;
    this.#link = link;
    this.#options = options;
    this.#events = events;
    this.outbox = new Outbox(options.limits, (seq, envelope) => {
      this.#send({ type: "message", ack: this.#takeAck(), seq, envelope });
      events.onTransmit(envelope);
    });
    this.#beat = new Heartbeat(options.heartbeatMs, {
      ask: () => this.#say("ping"),
      silent: () => this.#silent(),
    });
  }

  /** Begins to listen. */
  start(): void {
    this.#started = true;
    const timer = this.#startTimer = setTimeout(() => this.#late(), this.#options.startMs);
    Deno.unrefTimer(timer);
    this.#link.start({
      onOpen: () => this.#begin(),
      onFrame: (value) => this.#receive(value),
      onFault: (error) => this.#events.onFault(error),
      onEnd: (status) => this.#end(status),
    });
  }

  /** The neighbour as listeners see it. */
  get peer(): PeerInfo {
    const { alias, direction } = this.#options;
    return Object.freeze({ pid: this.identity.pid, alias, direction, status: this.#status });
  }

  /** Whether it is the parent of this node or a child. */
  get direction(): "child" | "parent" {
    return this.#options.direction;
  }

  /** Whether the link is over. */
  get ended(): boolean {
    return this.#ended;
  }

  /** Settles when all that has arrived is done with. */
  idle(): Promise<void> {
    return this.#working ? this.#idle.wait() : Promise.resolve();
  }

  /** Asks the neighbour to leave. */
  askToLeave(): void {
    // What comes before it listens would be taken for its place in the tree.
    if (this.#open) this.#say("leave");
    else this.#leaving = true;
  }

  /** Says goodbye with an exit code and ends the link; what arrived and was not begun stays undone. */
  leave(code: number): void {
    if (this.#ended) return;
    this.#stopped = true;
    this.#send({ type: "bye", ack: this.#takeAck(), code });
    this.#link.end(null);
  }

  /** Ends the link at once, and the neighbour if it is a child that belongs to it. */
  kill(): void {
    this.#link.end(this.#options.direction === "child" ? { type: "signaled", value: 9 } : null);
  }

  /** Sends a child a signal of the system; `false` if it has ended. */
  signal(signo: number): boolean {
    return this.#link.signal(signo);
  }

  /** Tells the neighbour which nodes are below this one, or are no more. Before the start nothing is said: all is told then. */
  tellPids(type: "announce" | "withdraw", pids: readonly number[]): void {
    if (!this.#started) return;
    for (const part of inParts(pids)) this.#send({ type, ack: this.#takeAck(), pids: part });
  }

  #send(frame: Frame): void {
    if (this.#ended) return;
    try {
      this.#link.send(toWire(frame));
    } catch (error) {
      this.#events.onFault(error);
      this.#link.end(null);
    }
  }

  #say(type: "ack" | "leave" | "ping" | "pong"): void {
    this.#send({ type, ack: this.#takeAck() });
  }

  #receive(value: unknown): void {
    if (this.#ended || this.#stopped) return;
    this.#beat.heard();
    const frame = parseFrame(value, this.identity);
    if (frame === undefined) return this.#refuse("it sent something that is no frame");
    const waiting = this.outbox.pending;
    if (!this.outbox.acknowledge(frame.ack)) return this.#refuse("it has what was never sent");
    if (waiting > 0 && this.outbox.pending === 0) this.#events.onIdle();
    switch (frame.type) {
      case "message":
        return this.#take(frame.seq, frame.envelope);
      case "ping":
        return this.#answer();
      case "announce":
        return this.#events.onAnnounce(frame.pids, this);
      case "withdraw":
        return this.#events.onWithdraw(frame.pids, this);
      case "leave":
        if (this.#options.direction === "parent") this.#events.onLeave();
        return;
      case "bye": {
        const child = this.#options.direction === "child";
        return this.#link.end(child ? { type: "exited", value: frame.code } : null);
      }
    }
  }

  /** A neighbour that asks all the time gets an answer now and then, or the answers of one that never listens would pile up. */
  #answer(): void {
    const now = performance.now();
    if (now - this.#answeredAt < this.#options.heartbeatMs / 4) return;
    this.#answeredAt = now;
    this.#say("pong");
  }

  #take(seq: number, envelope: Envelope): void {
    if (seq !== this.#received + 1) return this.#refuse("its messages are not in order");
    this.#received = seq;
    this.#heldBytes += sizeOf(envelope);
    if (
      seq - this.#acknowledged > WINDOW.frames ||
      this.#heldBytes > WINDOW.bytes + 2 * LARGEST_PAYLOAD
    ) return this.#refuse("it sent more than the window holds");
    this.#inbox.push(envelope);
    if (!this.#working) this.#work();
  }

  /** Handles what has arrived, one after another. */
  #work(): void {
    this.#working = true;
    for (;;) {
      const envelope = this.#stopped ? undefined : this.#inbox.shift();
      if (envelope === undefined) break;
      const handled = this.#events.onMessage(envelope, this);
      if (handled !== undefined) {
        void handled.then(() => {
          this.#done(envelope);
          this.#work();
        });
        return;
      }
      this.#done(envelope);
    }
    this.#working = false;
    this.#idle.open();
  }

  #done(envelope: Envelope): void {
    this.#finished++;
    this.#heldBytes -= sizeOf(envelope);
    this.#ackLater();
  }

  #ackLater(): void {
    if (this.#ended || this.#stopped) return;
    if (this.#finished - this.#acknowledged >= ACK_EVERY) return this.#say("ack");
    this.#ackTimer ??= setTimeout(() => {
      this.#ackTimer = undefined;
      // Most acknowledgements have gone with a message by now: to stop the timer each time costs more than to let it run.
      if (this.#finished > this.#acknowledged) this.#say("ack");
    }, ACK_AFTER_MS);
  }

  #takeAck(): number {
    return this.#acknowledged = this.#finished;
  }

  #refuse(why: string): void {
    this.#stopped = true;
    this.#inbox.drain();
    this.#events.onFault(
      new RouterError("BAD_MESSAGE", `Cannot go on with node ${this.identity.pid}: ${why}`),
    );
    this.kill();
  }

  #begin(): void {
    this.#open = true;
    clearTimeout(this.#startTimer);
    this.#beat.start();
    this.outbox.open();
    if (this.#leaving) this.#say("leave");
  }

  #late(): void {
    const message =
      `Cannot reach node ${this.identity.pid}: it has not started within ${this.#options.startMs} ms`;
    this.#events.onFault(new RouterError("PEER_STUCK", message));
    this.kill();
  }

  #silent(): void {
    this.#events.onFault(
      new RouterError(
        "PEER_STUCK",
        `Cannot reach node ${this.identity.pid}: it has shown no sign of life for ${this.#beat.silenceMs} ms`,
      ),
    );
    if (!this.#link.learnsEnd || this.#options.killStuck) this.kill();
  }

  #end(status: ExitStatus | null): void {
    this.#ended = true;
    this.#status = status;
    clearTimeout(this.#startTimer);
    clearTimeout(this.#ackTimer);
    this.#ackTimer = undefined;
    this.#beat.stop();
    this.outbox.pause();
    this.#events.onEnd(this);
  }
}
