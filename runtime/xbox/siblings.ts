/**
 * Messages between the boxes of one machine, over the tree of their supervisor: without a socket, without a credential.
 *
 * Whoever sends waits no longer than the message's time, whatever becomes of the box that it went to; and what a
 * sibling sends is checked, since a box runs the site's code and is believed no more than that.
 *
 * @module
 */

import { setImmediate } from "node:timers";
import { LONGEST_TIMER_MS } from "../checks.ts";
import { fromErrorRecord, RuntimeError } from "../errors.ts";
import type { Log } from "../types/log.ts";
import { type Blame, blame } from "./blame.ts";
import type { Carried, Outgoing, Receive } from "./carrier.ts";
import { Call } from "./sibling/call.ts";
import { Calls, MOST_CALLS } from "./sibling/calls.ts";
import { Desk } from "./sibling/desk.ts";
import { Directory, type SiblingBox } from "./sibling/directory.ts";
import { failed, lost, noBox, outOfTime, tooMany } from "./sibling/failures.ts";
import {
  type Carriage,
  FRAME_BYTES,
  type FrameRecord,
  unpackFrame,
  writeCancel,
} from "./sibling/frames.ts";
import { Lane } from "./sibling/lane.ts";
import { Notes } from "./sibling/notes.ts";
import { decodeBytes, encodeValue, sizeOf } from "./sibling/values.ts";

export type { SiblingBox } from "./sibling/directory.ts";

/** How frames leave this box: what of a node of the tree is needed. */
export interface SiblingPort {
  /** The process id of this box. */
  readonly pid: number;
  /** Hands a frame to the tree; throws if that takes none now, and is asked again later. */
  send(pid: number, frame: Uint8Array<ArrayBuffer>): void;
}

/** What {@linkcode Siblings} stands on. */
export interface SiblingsOptions {
  port: SiblingPort;
  /** Where it is written what siblings do wrong, and what becomes of posted messages. */
  log: Log;
  /** Hands messages to the pool of this box. @default none: they are refused until {@linkcode Siblings.serve} */
  receive?: Receive;
}

/** Time of a message that was given none, in milliseconds. */
const USUAL_TIMEOUT_MS = 5000;
/** Bytes that may be on their way, to one sibling and to all: less than the link to the supervisor takes. */
const WIDEST_WINDOW = 2 * 2 ** 20;
const ALL_WINDOWS = 6 * 2 ** 20;
/** Time between two lines about what siblings do wrong, in milliseconds. */
const COMPLAIN_EVERY_MS = 1000;
/** How often a box that ends looks whether its answers have left, in milliseconds. */
const LOOK_MS = 5;

/** A box that this one speaks to. */
interface Peer {
  readonly box: SiblingBox;
  readonly lane: Lane;
  readonly desk: Desk;
}

/** The boxes beside this one. */
export class Siblings {
  readonly #port: SiblingPort;
  readonly #log: Log;
  readonly #notes = new Notes();
  readonly #peers = new Map<number, Peer>();
  readonly #directory = new Directory();
  readonly #calls = new Calls((call) => this.#expire(call));
  readonly #stirred = new Set<Lane>();
  #receive: Receive | undefined;
  #isStirring = false;
  #closed: string | undefined;
  #complainedAt = -Infinity;

  /** Starts nothing. */
  constructor({ port, log, receive }: SiblingsOptions) {
    this.#port = port;
    this.#log = log;
    this.#receive = receive;
  }

  /** The boxes of the machine, this one included. */
  get boxes(): readonly SiblingBox[] {
    return this.#directory.boxes;
  }

  /** Messages that were sent and are not answered. */
  get pending(): number {
    return this.#calls.size;
  }

  /** Hands messages to `receive` from now on. */
  serve(receive: Receive): void {
    this.#receive = receive;
  }

  /** Takes who there is. What went to a box that is there no more ends. */
  update(boxes: readonly SiblingBox[]): void {
    if (this.#closed !== undefined) return;
    this.#directory.update(boxes);
    const there = new Set(boxes.map(({ pid }) => pid));
    for (const [pid, peer] of this.#peers) if (!there.has(pid)) this.#lose(pid, peer);
  }

  /**
   * Sends a message to a box by its alias, or with `"boxes"` to those that serve in turn, this one among them. What cannot be
   * reached is told by the answer.
   *
   * @throws {RuntimeError} `QUEUE_FULL` if the sibling is too slow, or this box waits for too many answers. `DISABLED` if the message is
   * for this box, and it handles none.
   * @throws {DOMException} `DataCloneError` if the message cannot leave its process.
   * @throws {RangeError} If it takes more than 16 MiB.
   */
  carry(name: string, outgoing: Outgoing): Carried {
    const box = this.#closed === undefined ? this.#directory.choose(name) : undefined;
    if (box === undefined) return failed(noBox(name, this.boxes, this.#closed));
    if (box.pid === this.#port.pid) return this.#keep(outgoing);
    const value = encodeValue(outgoing.message, `send a message to ${JSON.stringify(name)}`);
    const { lane } = this.#peer(box);
    if (this.#calls.size >= MOST_CALLS) throw tooMany(name, `${MOST_CALLS} are unanswered`);
    if (lane.isFull(sizeOf(value))) throw tooMany(name, `${lane.queued} wait for it to read`);
    const waitMs = Math.min(outgoing.timeoutMs ?? USUAL_TIMEOUT_MS, LONGEST_TIMER_MS);
    const call = new Call(
      { id: this.#calls.nextId(), name, pid: box.pid, waitMs },
      outgoing,
      value,
      {
        cancel: (call, reason) => this.#cancel(call, reason),
      },
    );
    this.#calls.add(call);
    lane.push(call);
    return call;
  }

  /** Takes what has come from another node; what is no frame, or from no box, is dropped and logged. */
  receive(pid: number, frame: unknown): void {
    if (this.#closed !== undefined) return;
    const box = this.#directory.get(pid);
    if (box === undefined) return this.#complain(pid, "it is no box of this machine");
    if (!(frame instanceof Uint8Array)) return this.#complain(pid, "it sent what is no frame");
    const peer = this.#peer(box);
    peer.lane.receive(frame.length);
    const read = unpackFrame(frame);
    if (read === undefined) return this.#complain(pid, "it sent a frame that cannot be read");
    if (!peer.lane.receive(0, read.read)) {
      return this.#complain(pid, "it has read what was never sent");
    }
    for (const record of read.records) {
      if (!this.#take(peer, record)) {
        return this.#complain(pid, `it sent a ${record.kind} that cannot be`);
      }
    }
  }

  /**
   * Tells all siblings something small, if there is room for it on the way; it may get lost.
   *
   * @throws {DOMException} `DataCloneError` if it cannot leave its process.
   * @throws {RangeError} If it takes more than 64 KiB.
   */
  gossip(topic: string, payload: unknown): void {
    if (this.#closed !== undefined) return;
    const note = this.#notes.encode(topic, payload);
    for (const box of this.boxes) {
      if (box.pid !== this.#port.pid) this.#notes.push(this.#peer(box).lane, note);
    }
  }

  /** Calls `listener` with what siblings tell of a topic, and with their aliases; the function that is returned ends that. */
  onGossip(topic: string, listener: (payload: unknown, from: string) => void): () => void {
    return this.#notes.listen(topic, listener);
  }

  /** Resolves when all that waits has left, or after this time in milliseconds. */
  async flushed(longestMs: number): Promise<void> {
    const end = performance.now() + longestMs;
    const waits = () => [...this.#peers.values()].some(({ lane }) => !lane.isEmpty);
    while (this.#closed === undefined && waits() && performance.now() < end) {
      await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
    }
  }

  /** Ends what is under way, and takes and sends nothing more; `why` is for those who wait. */
  close(why: string): void {
    if (this.#closed !== undefined) return;
    this.#closed = why;
    for (const [pid, peer] of [...this.#peers]) this.#lose(pid, peer);
    this.#directory.update([]);
    this.#stirred.clear();
    this.#notes.close();
    this.#calls.close();
  }

  /** Hands a message to the pool of this box. */
  #keep({ message, timeoutMs, priority, attempt, key, keep }: Outgoing): Carried {
    if (keep !== undefined) return keep();
    return this.#pool()({ message, from: "localhost", timeoutMs, priority, attempt, key });
  }

  #pool(): Receive {
    if (this.#receive !== undefined) return this.#receive;
    const text = "Cannot handle a message: this box takes none";
    throw blame(new RuntimeError("DISABLED", text), { side: "receiver", mayHaveRun: false });
  }

  #peer(box: SiblingBox): Peer {
    let peer = this.#peers.get(box.pid);
    if (peer !== undefined) return peer;
    const lane: Lane = new Lane({
      window: () => this.#window(),
      send: (frame) => this.#port.send(box.pid, frame),
      stir: () => this.#stir(lane),
    });
    peer = { box, lane, desk: new Desk(lane, box.alias, this.#log) };
    this.#peers.set(box.pid, peer);
    return peer;
  }

  /** All that is on its way is bounded, however many boxes there are. */
  #window(): number {
    const share = ALL_WINDOWS / Math.max(1, this.boxes.length);
    return Math.max(FRAME_BYTES, Math.min(WIDEST_WINDOW, share));
  }

  /** Sends at the end of this turn, so that what belongs to one turn goes in one frame. */
  #stir(lane: Lane): void {
    this.#stirred.add(lane);
    if (this.#isStirring) return;
    this.#isStirring = true;
    setImmediate(() => {
      this.#isStirring = false;
      const lanes = [...this.#stirred];
      this.#stirred.clear();
      for (const one of lanes) one.flush();
    });
  }

  #take({ box: { alias, pid }, lane, desk }: Peer, record: FrameRecord): boolean {
    switch (record.kind) {
      case "part":
        return lane.keepPart(record.bytes);
      case "cancel":
        desk.cancel(record.id, record.reason);
        return true;
      case "accepted":
        for (const id of record.ids) this.#calls.get(id, pid)?.accept();
        return true;
      case "failure":
        this.#fail(record.id, pid, fromErrorRecord(record.error), record.blame);
        return true;
    }
    const carriage = whole(record.carriage, lane);
    if (carriage === undefined) return false;
    let value: unknown;
    let failure: unknown;
    try {
      value = "bytes" in carriage ? decodeBytes(carriage.bytes) : carriage.value;
    } catch (cause) {
      const text = `Cannot read what ${alias} sent: it is damaged`;
      failure = new RuntimeError("PEER_BAD_ANSWER", text, { cause });
    }
    switch (record.kind) {
      case "note":
        if (failure === undefined) this.#notes.tell(record.topic, value, alias);
        return failure === undefined;
      case "answer":
        if (failure === undefined) this.#end(record.id, pid)?.succeed(value);
        else this.#fail(record.id, pid, failure as Error, { side: "receiver", mayHaveRun: true });
        return true;
      case "request":
        try {
          if (failure !== undefined) throw failure;
          return desk.take(record, value, this.#pool());
        } catch (error) {
          return desk.refuse(record.id, error);
        }
    }
  }

  #end(id: number, pid: number): Call | undefined {
    const call = this.#calls.get(id, pid);
    if (call !== undefined) this.#calls.delete(call);
    return call;
  }

  #fail(id: number, pid: number, error: Error, known: Blame): void {
    const call = this.#calls.get(id, pid);
    if (call === undefined) return;
    // Who is about to end refuses what came a moment too late, and has a successor.
    const isStopping = error instanceof RuntimeError && error.code === "STOPPING";
    if (isStopping && !known.mayHaveRun && this.#move(call)) return;
    this.#calls.delete(call);
    call.fail(blame(error, known));
  }

  /** Sends a message that no handler has begun with to another box of its name. */
  #move(call: Call): boolean {
    const box = this.#directory.choose(call.name, call.pid, this.#port.pid);
    if (box === undefined || !call.moveTo(box.pid)) return false;
    this.#peer(box).lane.push(call);
    return true;
  }

  #cancel(call: Call, reason: string): void {
    this.#calls.delete(call);
    if (!call.wasSent) return;
    const text = writeCancel(call.id, reason);
    this.#peers.get(call.pid)?.lane.push({ size: text.length, words: () => text });
  }

  #lose(pid: number, { box, lane, desk }: Peer): void {
    this.#peers.delete(pid);
    lane.close();
    desk.close(`${box.alias}, which sent it, has ended`);
    for (const call of this.#calls.of(pid)) {
      if (!call.wasSent && this.#closed === undefined && this.#move(call)) continue;
      this.#calls.delete(call);
      call.fail(lost(call, box.alias, this.#closed));
    }
  }

  #expire(call: Call): void {
    call.fail(outOfTime(call));
    this.#cancel(call, "its time is up");
  }

  #complain(pid: number, why: string): void {
    const now = performance.now();
    if (now - this.#complainedAt < COMPLAIN_EVERY_MS) return;
    this.#complainedAt = now;
    this.#log.warn("A frame of another box is dropped", { pid, why });
  }
}

/** A value with all its parts; nothing if parts came before what needs none, or it is too large. */
function whole(carriage: Carriage, lane: Lane): Carriage | undefined {
  if (!("bytes" in carriage)) return lane.hasParts ? undefined : carriage;
  const bytes = lane.join(carriage.bytes);
  return bytes === undefined ? undefined : { bytes };
}
