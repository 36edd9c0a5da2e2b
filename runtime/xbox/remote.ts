/**
 * Messages to boxes elsewhere, over HTTP, and those that come from there.
 *
 * @module
 */

import { messageOf, RuntimeError } from "../errors.ts";
import {
  Answers,
  Deadlines,
  decode,
  DEFAULT_TIMEOUT_MS,
  type PeerAddress,
  type PeerCall,
} from "../peer/mod.ts";
import { PRIORITIES, type Priority, priorityAt } from "../pool/priority.ts";
import { isRecord } from "../thread/values.ts";
import { type Answer, blame, failureAnswer } from "./blame.ts";
import type { Arrived, Carried, Outgoing, Receive } from "./carrier.ts";
import { readBatch, writeReply } from "./remote/batch.ts";
import { Letter } from "./remote/letter.ts";
import { Outbox, type PeerCaller } from "./remote/outbox.ts";

export type { PeerCaller } from "./remote/outbox.ts";

/** Where boxes take messages. */
export const XBOX_PATH = "/_tandem/xbox";

/** What a request between boxes holds: short names, since every message carries them. */
interface Envelope {
  /** By which name the sender may cancel it. */
  i: string;
  m: unknown;
  /** The priority, as a number. */
  p?: number;
  /** Whether it is posted. */
  q?: true;
  /** The attempt, if it is not the first. */
  a?: number;
  /** The key. */
  k?: string;
}

/** What cancels a message. */
interface Cancellation {
  /** The name of the message. */
  c: string;
}

const LONGEST_KEY = 512;
const LONGEST_ID = 64;
/** Longest time for the word that a message is cancelled, in milliseconds; it is not waited for. */
const CANCEL_MS = 2000;
const GONE = "its sender has gone";

/** Messages between this box and boxes elsewhere. Those to one box that are sent in one turn of the event loop travel together. */
export class RemoteMessages {
  readonly #caller: PeerCaller;
  readonly #sender = crypto.randomUUID();
  readonly #deadlines = new Deadlines();
  /** What is on its way, by where it goes. */
  readonly #outboxes = new Map<string, Outbox>();
  /** Messages of others that are being handled here. */
  readonly #handled = new Map<string, Carried>();
  #sent = 0;

  constructor(caller: PeerCaller) {
    this.#caller = caller;
  }

  /** Brings a message to a box elsewhere. */
  carry(
    address: PeerAddress,
    { message, timeoutMs = DEFAULT_TIMEOUT_MS, priority, posted, attempt = 1, key }: Outgoing,
  ): Carried {
    const envelope: Envelope = { i: `${this.#sender}.${++this.#sent}`, m: message };
    if (priority !== undefined) envelope.p = PRIORITIES.indexOf(priority);
    if (posted) envelope.q = true;
    if (attempt > 1) envelope.a = attempt;
    if (key !== undefined) envelope.k = key;
    const letter = new Letter(address, timeoutMs);
    try {
      // At once: what the sender does with its message from now on does not show.
      const encoded = this.#caller.encode(address, envelope);
      this.#outboxTo(address).push(letter, encoded);
    } catch (error) {
      letter.fail(error as Error);
    }
    return {
      // How far it has come over there is not known here.
      state: () => "running",
      answer: letter.answer,
      accepted: letter.answer,
      wait: () => {},
      cancel: (reason) => {
        if (letter.isOver) return;
        letter.fail(cancelled(reason, letter.wasSent));
        if (!letter.wasSent) return;
        // That the connection ends is not always noticed over there; where this is lost, the time ends it.
        const cancellation: Cancellation = { c: envelope.i };
        const told = { timeoutMs: CANCEL_MS };
        this.#caller.call(address, XBOX_PATH, cancellation, told).catch(endsInTime);
      },
    };
  }

  /** Handles what a box elsewhere has sent; resolves to what it is answered with, and never rejects. */
  async receive(receive: Receive, call: PeerCall): Promise<Answer | Answers> {
    const sender = new Sender(call);
    const { value, timeoutMs } = call;
    if (!(value instanceof Uint8Array)) {
      return await this.#answer(receive, sender, value, timeoutMs);
    }
    const batch = readBatch(value);
    if (batch === undefined) return failureAnswer(malformed("it is no batch"));
    return new Answers(async (emit) => {
      await Promise.all(batch.map(async ({ bytes, timeoutMs }, index) => {
        const answer = await this.#answerEncoded(receive, sender, bytes, timeoutMs);
        try {
          emit(writeReply(index, answer));
        } catch (error) {
          emit(writeReply(index, failureAnswer(error)));
        }
      }));
    });
  }

  #outboxTo(address: PeerAddress): Outbox {
    const { origin } = address;
    let outbox = this.#outboxes.get(origin);
    if (outbox === undefined) {
      outbox = new Outbox(address, XBOX_PATH, this.#caller, {
        deadlines: this.#deadlines,
        empty: () => this.#outboxes.delete(origin),
      });
      this.#outboxes.set(origin, outbox);
    }
    return outbox;
  }

  async #answerEncoded(
    receive: Receive,
    sender: Sender,
    bytes: Uint8Array,
    timeoutMs: number,
  ): Promise<Answer> {
    let value: unknown;
    try {
      value = decode(bytes, sender.name);
    } catch (error) {
      return failureAnswer(malformed(messageOf(error)));
    }
    return await this.#answer(receive, sender, value, timeoutMs);
  }

  async #answer(
    receive: Receive,
    sender: Sender,
    value: unknown,
    timeoutMs: number | undefined,
  ): Promise<Answer> {
    try {
      if (isRecord(value) && typeof value.c === "string") {
        this.#handled.get(value.c)?.cancel("its sender has given it up");
        return { value: true };
      }
      // By that name handlers know the messages of their own box.
      if (sender.name === "localhost") throw malformed(`its sender calls itself "localhost"`);
      const { id, isPosted, ...message } = readEnvelope(value);
      const carried = receive({ ...message, from: sender.name, timeoutMs });
      if (isPosted) {
        await carried.accepted;
        return { value: true };
      }
      sender.add(carried);
      this.#handled.set(id, carried);
      try {
        return { value: await carried.answer };
      } finally {
        this.#handled.delete(id);
        sender.delete(carried);
      }
    } catch (error) {
      return failureAnswer(error);
    }
  }
}

/** Who waits for the answers of one call; when it goes, what it has sent is given up. */
class Sender {
  readonly name: string;
  readonly #call: PeerCall;
  readonly #waiting = new Set<Carried>();
  #signal: AbortSignal | undefined;

  constructor(call: PeerCall) {
    this.name = call.from;
    this.#call = call;
  }

  add(carried: Carried): void {
    this.#waiting.add(carried);
    if (this.#signal === undefined) {
      this.#signal = this.#call.signal;
      this.#signal.addEventListener("abort", () => {
        for (const waiting of this.#waiting) waiting.cancel(GONE);
      }, { once: true });
    }
    if (this.#signal.aborted) carried.cancel(GONE);
  }

  delete(carried: Carried): void {
    this.#waiting.delete(carried);
  }
}

function readEnvelope(value: unknown): Omit<Arrived, "from"> & { id: string; isPosted: boolean } {
  if (!isRecord(value) || !Object.hasOwn(value, "m")) throw malformed("it holds no message");
  const { i, m, p, q, a = 1, k } = value;
  if (typeof i !== "string" || i.length > LONGEST_ID) throw malformed("it has no name");
  let priority: Priority | undefined;
  if (p !== undefined) {
    priority = priorityAt(p);
    if (priority === undefined) throw malformed("its priority is none");
  }
  if (!Number.isSafeInteger(a) || (a as number) < 1) throw malformed("its attempt is no number");
  if (k !== undefined && (typeof k !== "string" || k.length > LONGEST_KEY)) {
    throw malformed("its key is no text of at most 512 characters");
  }
  return { id: i, message: m, priority, isPosted: q === true, attempt: a as number, key: k };
}

function malformed(why: string): RuntimeError {
  const error = new RuntimeError("BAD_MESSAGE", `Cannot take a message of another box: ${why}`);
  return blame(error, { side: "sender", mayHaveRun: false });
}

function cancelled(reason: unknown, mayHaveRun: boolean): RuntimeError {
  const words = reason instanceof Error ? reason.message : String(reason ?? "it was cancelled");
  const error = new RuntimeError("CANCELLED", `Cannot finish an xbox message: ${words}`, {
    cause: reason,
  });
  return blame(error, { side: "sender", mayHaveRun });
}

function endsInTime(): void {}
