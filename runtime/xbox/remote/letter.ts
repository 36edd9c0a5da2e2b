/**
 * One message to a box elsewhere, from when it is sent until it is known what became of it.
 *
 * @module
 */

import { type Deadline, type PeerAddress, PeerError } from "../../peer/mod.ts";
import { type Blame, blame, readAnswer } from "../blame.ts";

/** Failures of calls that are not the sender's own. */
const SIDES: Readonly<Record<string, Blame["side"]>> = {
  DEADLINE_EXCEEDED: "network",
  PEER_LOST: "network",
  UNREACHABLE_PEER: "network",
  PEER_BAD_ANSWER: "receiver",
  PEER_UNAUTHORISED: "receiver",
  PEER_VERSION: "receiver",
};

/** A message that waits for its answer. */
export class Letter {
  /** Where it goes. */
  readonly address: PeerAddress;
  /** Its time, in milliseconds. */
  readonly timeoutMs: number;
  /** What came of it. */
  readonly answer: Promise<unknown>;
  /** Whether its bytes have left. */
  wasSent = false;
  /** Its own time, where the exchange has another. */
  deadline: Deadline | undefined;
  readonly #settle = Promise.withResolvers<unknown>();
  #onOver: (() => void)[] = [];
  #isOver = false;

  constructor(address: PeerAddress, timeoutMs: number) {
    this.address = address;
    this.timeoutMs = timeoutMs;
    this.answer = this.#settle.promise;
    this.answer.catch(isReportedByAnswer);
  }

  /** Whether it is known what came of it. */
  get isOver(): boolean {
    return this.#isOver;
  }

  /** Calls back when it is known what came of it. */
  onOver(run: () => void): void {
    this.#onOver.push(run);
  }

  /** It was answered, with a value or with an error. */
  take(answered: unknown): void {
    if (this.#isOver) return;
    try {
      const value = readAnswer(answered, () => noAnswer(this.address));
      this.#end();
      this.#settle.resolve(value);
    } catch (error) {
      this.fail(error as Error);
    }
  }

  /** It came to nothing. */
  fail(error: Error): void {
    if (this.#isOver) return;
    this.#end();
    this.#settle.reject(blame(error, blameOfCall(error)));
  }

  #end(): void {
    this.#isOver = true;
    this.deadline?.end();
    for (const run of this.#onOver) run();
    this.#onOver = [];
  }
}

/** What is known when a call itself failed. */
function blameOfCall(error: Error): Blame {
  if (!(error instanceof PeerError)) return { side: "sender", mayHaveRun: false };
  return { side: SIDES[error.code] ?? "sender", mayHaveRun: error.mayHaveRun };
}

function noAnswer({ name }: PeerAddress): never {
  throw new PeerError(
    "PEER_BAD_ANSWER",
    `Cannot use the answer of ${name}: it is none of an xbox message; it may have run`,
    { mayHaveRun: true },
  );
}

/** Whoever waits finds it there. */
function isReportedByAnswer(): void {}
