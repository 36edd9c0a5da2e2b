/**
 * What goes to one box elsewhere: the messages of one turn of the event loop in one exchange, since an exchange costs much
 * more than a message.
 *
 * @module
 */

import { setImmediate } from "node:timers";
import { LONGEST_TIMER_MS } from "../../checks.ts";
import {
  type CallOptions,
  type Deadlines,
  type Encoded,
  type PeerAddress,
  PeerError,
  type StreamOptions,
  tooLate,
} from "../../peer/mod.ts";
import { BYTES_TOGETHER, MOST_TOGETHER, OVERHEAD_BYTES, readReply, writeBatch } from "./batch.ts";
import type { Letter } from "./letter.ts";

/** Messages to one box that are under way at once. */
export const MOST_UNDER_WAY = 1024;

/** What calls boxes elsewhere. */
export interface PeerCaller {
  /** Largest call, in bytes. */
  readonly maxMessageBytes: number;
  /** Encodes a value that is to be sent; throws if it cannot be, or is too large. */
  encode(address: PeerAddress, value: unknown): Encoded;
  /** Calls a box with a value; resolves to what it answers, which is checked to come from there. */
  call(
    address: PeerAddress,
    path: string,
    value: unknown,
    options: CallOptions,
  ): Promise<unknown>;
  /** Calls a box that answers with several values. */
  stream(
    address: PeerAddress,
    path: string,
    value: unknown,
    options: StreamOptions,
  ): Promise<void>;
}

/** What an {@linkcode Outbox} needs of whoever has it. */
export interface OutboxHost {
  /** The times of messages. */
  deadlines: Deadlines;
  /** There is nothing under way any more. */
  empty(): void;
}

interface Parcel {
  readonly letter: Letter;
  readonly encoded: Encoded;
}

/** Messages to one box. */
export class Outbox {
  readonly #address: PeerAddress;
  readonly #path: string;
  readonly #caller: PeerCaller;
  readonly #host: OutboxHost;
  readonly #bytesTogether: number;
  #waiting: Parcel[] = [];
  #underWay = 0;

  constructor(address: PeerAddress, path: string, caller: PeerCaller, host: OutboxHost) {
    this.#address = address;
    this.#path = path;
    this.#caller = caller;
    this.#host = host;
    this.#bytesTogether = Math.min(BYTES_TOGETHER, caller.maxMessageBytes - OVERHEAD_BYTES);
  }

  /**
   * Sends a message at the end of this turn.
   *
   * @throws {PeerError} `QUEUE_FULL` if too many are under way.
   */
  push(letter: Letter, encoded: Encoded): void {
    if (this.#underWay >= MOST_UNDER_WAY) throw tooMany(this.#address);
    this.#underWay++;
    letter.onOver(() => {
      if (--this.#underWay === 0) this.#host.empty();
    });
    this.#waiting.push({ letter, encoded });
    if (this.#waiting.length === 1) setImmediate(() => this.#flush());
  }

  #flush(): void {
    // One that was given up meanwhile need not leave.
    const waiting = this.#waiting.filter(({ letter }) => !letter.isOver);
    this.#waiting = [];
    let together: Parcel[] = [];
    let bytes = 0;
    for (const parcel of waiting) {
      if (!isTime(parcel.letter.timeoutMs)) {
        // What is wrong with it is told by the call, and concerns no other.
        this.#send([parcel]);
        continue;
      }
      const size = parcel.encoded.bytes.length + OVERHEAD_BYTES;
      if (together.length === MOST_TOGETHER || bytes + size > this.#bytesTogether) {
        this.#send(together);
        together = [];
        bytes = 0;
      }
      together.push(parcel);
      bytes += size;
    }
    this.#send(together);
  }

  #send(parcels: Parcel[]): void {
    for (const { letter } of parcels) letter.wasSent = true;
    if (parcels.length > 1) this.#sendTogether(parcels);
    else if (parcels.length === 1) this.#sendAlone(parcels[0]!);
  }

  #sendAlone({ letter, encoded }: Parcel): void {
    const { timeoutMs } = letter;
    const unanswered = new Set([0]);
    const signal = abortedWith([letter], unanswered);
    this.#caller.call(this.#address, this.#path, encoded, { timeoutMs, signal }).then(
      (answered) => {
        unanswered.clear();
        letter.take(answered);
      },
      (error) => letter.fail(error),
    );
  }

  #sendTogether(parcels: Parcel[]): void {
    const letters = parcels.map(({ letter }) => letter);
    for (const letter of letters) {
      letter.deadline = this.#host.deadlines.start(
        letter.timeoutMs,
        () => letter.fail(tooLate(this.#address, letter.timeoutMs)),
      );
    }
    const batch = writeBatch(parcels.map(({ letter: { timeoutMs }, encoded: { bytes } }) => ({
      bytes,
      timeoutMs,
    })));
    const unanswered = new Set(letters.keys());
    this.#caller.stream(this.#address, this.#path, batch, {
      timeoutMs: Math.max(...letters.map(({ timeoutMs }) => timeoutMs)),
      signal: abortedWith(letters, unanswered),
      mostValues: letters.length,
      onValue: (value) => {
        const [index, answer] = readReply(value) ?? [];
        if (index === undefined || !unanswered.delete(index)) throw badReply(this.#address);
        letters[index]!.take(answer);
      },
    }).then(
      () => {
        for (const letter of letters) if (!letter.isOver) letter.fail(noReply(this.#address));
      },
      (error) => {
        // It takes smaller ones than this box, and nothing has run.
        const again = error instanceof PeerError && error.isTooLarge;
        for (const parcel of parcels) {
          if (parcel.letter.isOver) continue;
          if (again) this.#sendAlone(parcel);
          else parcel.letter.fail(copyOf(error));
        }
      },
    );
  }
}

function isTime(ms: number): boolean {
  return ms > 0 && ms <= LONGEST_TIMER_MS;
}

/** A signal that aborts when nobody waits any more, and there are answers that have not come. */
function abortedWith(letters: readonly Letter[], unanswered: ReadonlySet<number>): AbortSignal {
  const abort = new AbortController();
  let waiting = letters.length;
  for (const letter of letters) {
    letter.onOver(() => {
      if (--waiting === 0 && unanswered.size > 0) abort.abort();
    });
  }
  return abort.signal;
}

/** An error of its own for each message: what one does with it does not show in the others. */
function copyOf(error: Error): Error {
  if (!(error instanceof PeerError)) return error;
  const { code, message, mayHaveRun, cause } = error;
  return new PeerError(code, message, { mayHaveRun, cause });
}

function tooMany({ name }: PeerAddress): PeerError {
  return new PeerError(
    "QUEUE_FULL",
    `Cannot call ${name}: ${MOST_UNDER_WAY} of ${MOST_UNDER_WAY} messages to that box are under way`,
    { mayHaveRun: false },
  );
}

function badReply({ name }: PeerAddress): PeerError {
  return unusable(name, "it is for no message that waits for one");
}

function noReply({ name }: PeerAddress): PeerError {
  return unusable(name, "it ended without one for this message");
}

function unusable(name: string, why: string): PeerError {
  return new PeerError(
    "PEER_BAD_ANSWER",
    `Cannot use the answer of ${name}: ${why}; it may have run`,
    { mayHaveRun: true },
  );
}
