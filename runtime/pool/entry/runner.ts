/**
 * Runs the tasks that the pool sends to this worker: so many at once, the others in the order in which
 * they came, unless the pool has taken them back meanwhile.
 *
 * Answers that come at once, one task after another, are packed into one message.
 *
 * @module
 */

import { RuntimeError, toErrorRecord } from "../../errors.ts";
import type { TaskChannel } from "../../thread/entry/main.ts";
import { type AnswerMessage, FLAGS, RESET_ID, Ring, type TaskMessage } from "../protocol.ts";
import { isInitFailure } from "./session.ts";

/** What a kind of worker makes of a task. */
export interface Outcome {
  /** What the one who asked gets. */
  value?: unknown;
  /** What was thrown, where it takes the value's place and something is to be done all the same. */
  failure?: { error: unknown };
  /** What of the value is moved rather than copied. */
  transfer?: Transferable[];
  /** What is to be done after the answer was sent; the worker is done with the task when that is. */
  after?: () => unknown;
  /** Whether the value may share a message with others: nothing in it is known to the site's code. */
  packs?: boolean;
}

/** What the runner stands on. */
export interface RunnerOptions {
  /** Where tasks come in and answers go out. */
  channel: TaskChannel;
  /** Memory of the ring; absent where none can be shared. */
  ring: SharedArrayBuffer | undefined;
  /** Tasks that run at once. */
  concurrency: number;
  /** Runs one task. */
  work(run: TaskRun): Promise<Outcome>;
  /** Hears what went wrong when a frame was closed. */
  onFrameError(error: unknown): void;
  /** Puts what a task does, from its start until the worker is done with it, into a frame of its own. */
  frame(run: TaskRun, work: () => Promise<void>): Promise<void>;
  /**
   * A task has ended, and with it all that ran; the worker is fit for the next when this returns.
   *
   * @param cancelled Whether one of them was cancelled, so that some of its code may still have to end.
   */
  idle(cancelled: boolean): void;
  /** A task has ended, with an error or without; says whether the worker should be replaced before its next. */
  isDue(failed: boolean): boolean;
}

/** Answers in one message. */
const PACK = 32;
/** Longest time that an answer waits for others, in milliseconds, as long as tasks give way. */
const PACK_MS = 0.5;
/** Microtasks in which a quick handler ends, with room to spare. */
const QUICK = 32;

/** A task while it runs. */
export class TaskRun {
  /** The pool's number of the task. */
  readonly id: number;
  /** What is to be run. */
  readonly payload: unknown;
  /** When its time is up, on the clock of `performance.now()`; infinite without a limit. */
  readonly deadline: number;
  /** When it began, on the same clock. */
  readonly startedAt = performance.now();
  #requestId: string | undefined;
  #abort: AbortController | undefined;

  /** Begins with what the pool has sent. */
  constructor([id, , payload, remainingMs]: TaskMessage) {
    this.id = id;
    this.payload = payload;
    this.deadline = remainingMs === 0 ? Infinity : this.startedAt + remainingMs;
  }

  /** Aborts when the task is cancelled or out of time. */
  get signal(): AbortSignal {
    return (this.#abort ??= new AbortController()).signal;
  }

  /** Unique to the request: as it came, or made here. */
  get requestId(): string {
    return this.#requestId ??= (this.payload as { requestId?: string }).requestId ??
      crypto.randomUUID();
  }

  /** Whether the handler was told to stop. */
  get wasCancelled(): boolean {
    return this.#abort?.signal.aborted === true;
  }

  /** Tells the handler to stop. */
  cancel(why: string): void {
    this.signal;
    this.#abort!.abort(new RuntimeError("CANCELLED", why));
  }
}

/** Runs what comes over the thread's channel for tasks. */
export class Runner {
  readonly #options: RunnerOptions;
  readonly #ring: Ring | undefined;
  readonly #running = new Map<number, TaskRun>();
  readonly #waiting: TaskMessage[] = [];
  readonly #answers: AnswerMessage[] = [];
  #cancelled = false;
  /** Whether the pool knows that a reset is due. */
  #hasAsked = false;
  /** When the first and the last of the answers came that have not left. */
  #since = 0;
  #lastAt = 0;
  #ended = 0;

  /** Takes tasks from now on. */
  constructor(options: RunnerOptions) {
    this.#options = options;
    this.#ring = options.ring && new Ring(options.ring);
    // Who ends the worker is not to take with it what others have answered.
    options.channel.take((list) => this.#take(list as TaskMessage[]), () => this.#flush());
  }

  /** Tells a task that it is cancelled; one that is over does not mind. */
  cancel(id: number, why: string): void {
    this.#running.get(id)?.cancel(why);
  }

  #take(list: TaskMessage[]): void {
    for (const message of list) {
      if (message[4]) this.#start(message);
      else this.#waiting.push(message);
    }
    this.#next();
  }

  #next(): void {
    // What waits while a reset is due, the pool takes back.
    const isDue = this.#waiting.length > 0 && this.#options.isDue(false);
    if (isDue) this.#askNow();
    if (isDue && this.#ring === undefined) this.#giveBack();
    while (
      !isDue && this.#waiting.length > 0 && this.#running.size < this.#options.concurrency
    ) this.#start(this.#waiting.shift()!);
    if (this.#answers.length === 0) return;
    const late = this.#lastAt - this.#since > PACK_MS;
    const isLast = isDue || this.#waiting.length === 0;
    if (isLast || this.#answers.length >= PACK || late) this.#flush();
    else this.#flushUnlessQuick();
  }

  #start(message: TaskMessage): void {
    if (this.#ring?.start(message[1], message[0]) === false) return;
    const run = new TaskRun(message);
    this.#running.set(run.id, run);
    this.#run(run);
  }

  async #run(run: TaskRun): Promise<void> {
    let served = false;
    try {
      await this.#options.frame(run, () => {
        served = true;
        return this.#serve(run);
      });
    } catch (error) {
      this.#options.onFrameError(error);
      if (!served) this.#fail(run, error, true);
    }
    this.#ended++;
    this.#cancelled ||= run.wasCancelled;
    this.#running.delete(run.id);
    if (this.#running.size > 0) return this.#next();
    if (this.#waiting.length === 0) this.#flush();
    this.#options.idle(this.#cancelled);
    this.#cancelled = false;
    if (this.#options.isDue(false)) this.#askNow();
    this.#next();
  }

  async #serve(run: TaskRun): Promise<void> {
    try {
      const { value, failure, transfer, after, packs } = await this.#options.work(run);
      const open = after === undefined ? 0 : FLAGS.open;
      // What is done after it may take long.
      const waits = after === undefined;
      if (failure === undefined) this.#answer(run, open, value, transfer, packs && waits);
      else this.#answer(run, FLAGS.error | open, toErrorRecord(failure.error), undefined, waits);
      if (after === undefined) return;
      await after();
      this.#answer(run, FLAGS.done, null, undefined, true);
    } catch (error) {
      this.#fail(run, error, isInitFailure(error));
    }
  }

  #fail(run: TaskRun, error: unknown, unrun: boolean): void {
    const flags = unrun ? FLAGS.error | FLAGS.unrun : FLAGS.error;
    this.#answer(run, flags, toErrorRecord(error), undefined, true);
  }

  #answer(
    run: TaskRun,
    flags: number,
    value: unknown,
    transfer: Transferable[] | undefined,
    packs: boolean | undefined,
  ): void {
    const due = this.#askReset((flags & FLAGS.error) !== 0);
    const now = performance.now();
    const answer: AnswerMessage = [run.id, flags | due, value, now - run.startedAt];
    if (packs !== true || transfer !== undefined) return this.#send(answer, transfer ?? []);
    if (this.#answers.length === 0) this.#since = now;
    this.#lastAt = now;
    this.#answers.push(answer);
  }

  #askReset(failed: boolean): number {
    if (!this.#options.isDue(failed)) return 0;
    this.#hasAsked = true;
    return FLAGS.reset;
  }

  /** Nobody can take what waits without a ring. */
  #giveBack(): void {
    for (const [id] of this.#waiting.splice(0)) {
      this.#options.channel.post([[id, FLAGS.back, null, 0] satisfies AnswerMessage], []);
    }
  }

  /** Asks for a reset beside the answers, unless one of them has. */
  #askNow(): void {
    if (this.#hasAsked) return;
    this.#hasAsked = true;
    this.#options.channel.post([[RESET_ID, FLAGS.reset, null, 0] satisfies AnswerMessage], []);
  }

  /** Lets the next task put its answer into the same message if it ends at once. */
  async #flushUnlessQuick(): Promise<void> {
    const ended = this.#ended;
    for (let tick = 0; tick < QUICK; tick++) {
      await undefined;
      if (this.#ended !== ended) return;
    }
    this.#flush();
  }

  #flush(): void {
    if (this.#answers.length === 0) return;
    const answers = this.#answers.splice(0);
    try {
      this.#options.channel.post(answers, []);
    } catch {
      // One of them cannot be cloned, as a symbol cannot, and fails alone.
      for (const answer of answers) this.#send(answer, []);
    }
  }

  /** Sends one answer; one that cannot be cloned fails in its place. */
  #send(answer: AnswerMessage, transfer: Transferable[]): void {
    const { channel } = this.#options;
    try {
      channel.post([answer], transfer);
    } catch (error) {
      const [id, flags, , ms] = answer;
      const due = this.#askReset(true);
      channel.post([[id, FLAGS.error | due | (flags & FLAGS.open), toErrorRecord(error), ms]], []);
    }
  }
}
