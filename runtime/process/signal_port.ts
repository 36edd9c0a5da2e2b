/**
 * The main isolate's side of the signal thread.
 *
 * The thread listens to the same signals as the main isolate and counts them in shared memory, where synchronous code
 * sees them. The main isolate's own listeners stay: they hold the system's action back if the thread dies, and a
 * signal that only they heard shows that it did.
 *
 * @module
 */

import { Worker } from "node:worker_threads";
import { messageOf } from "../errors.ts";
import { startTimer } from "../own_timers.ts";
import { backend } from "./backend.ts";
import { nameOf } from "./signal_numbers.ts";
import {
  ACKS,
  ALARM,
  COUNTS,
  NEWS,
  type SignalThreadMessage,
  signalThreadText,
  STAMPS,
  WORDS,
} from "./signal_thread_main.ts";

/** How long the thread may take to answer. */
const ANSWER_MS = 2000;

/** By this time both sides have shown a signal that came. */
const BOTH_MS = 20;

/** More arrivals of one signal at a time are as good as this many: it is what fits into the queue of handlers. */
const MOST = 65;

/** What the main isolate does with the news. */
export interface SignalPortEvents {
  /** A signal was heard. */
  arrived(signo: number): void;
  /** The alarm went off. */
  alarmed(): void;
  /** The thread is gone or stuck, and this port is closed. */
  failed(why: string): void;
}

/** The thread, as long as it runs. */
export class SignalPort {
  readonly #events: SignalPortEvents;
  readonly #words = new Int32Array(new SharedArrayBuffer(4 * WORDS));
  readonly #worker: Worker;
  readonly #gone: Promise<void>;
  /** How often each signal was collected, and how much of it our own listener has shown. */
  readonly #totals = new Map<number, number>();
  readonly #shown = new Map<number, number>();
  /** Signals that our own listener may show although they came before the thread listened, by what was collected then. */
  readonly #early = new Map<number, number>();
  readonly #doubts = new Map<number, ReturnType<typeof setTimeout>>();
  #seen = 0;
  #acks = 0;
  /** The id of the alarm that is set, 0 without one, and how many were set. */
  #alarm = 0;
  #alarms = 0;
  #open = true;

  /** Starts the thread, and returns when it runs; `text` is its module. Check {@linkcode open} afterwards. */
  constructor(events: SignalPortEvents, text: string = signalThreadText()) {
    this.#events = events;
    const url = new URL(`data:text/javascript,${encodeURIComponent(text)}`);
    const worker = this.#worker = new Worker(url, { workerData: this.#words, name: "signals" });
    backend.ownWorkers++;
    // It is there for the process; the process is not there for it.
    worker.unref();
    worker.on("error", (error) => this.fail(messageOf(error)));
    this.#gone = new Promise((resolve) => {
      worker.on("exit", (code) => {
        backend.ownWorkers--;
        resolve();
        this.fail(`it ended with code ${code}`);
      });
    });
    if (this.ping()) this.#listenForNews();
  }

  /** Whether the thread runs, as far as is known. */
  get open(): boolean {
    return this.#open;
  }

  /**
   * Makes the thread listen, or listen no longer; it does so when this returns, or the port has failed. With `late` our
   * own listener was there before.
   */
  listen(signo: number, wanted: boolean, late = false): void {
    clearTimeout(this.#doubts.get(signo));
    this.#doubts.delete(signo);
    if (!wanted) {
      this.#ask({ off: signo });
      return;
    }
    const name = nameOf(signo);
    if (name === undefined || !this.#ask({ on: { name, signo } })) return;
    this.covers(signo); // what a listener before this one did not show is over
    if (late) this.#early.set(signo, this.#totals.get(signo) ?? 0);
    else this.#early.delete(signo);
  }

  /** Starts the thread's timer; 0 milliseconds stop it. */
  setAlarm(ms: number): void {
    this.#alarm = ms > 0 ? ++this.#alarms : 0;
    this.#post({ alarm: { id: this.#alarm, ms } });
  }

  /** Whether the thread answers. If it does not, the port fails. */
  ping(): boolean {
    return this.#ask({});
  }

  /** Hands on what has arrived, in the order in which each signal first did. */
  collect(): void {
    const words = this.#words;
    const news = Atomics.load(words, NEWS);
    if (news === this.#seen) return;
    this.#seen = news;
    const found: { signo: number; count: number; stamp: number }[] = [];
    for (let signo = 1; signo < STAMPS - COUNTS; signo++) {
      if (Atomics.load(words, COUNTS + signo) === 0) continue;
      const stamp = Atomics.load(words, STAMPS + signo);
      found.push({ signo, stamp, count: Atomics.exchange(words, COUNTS + signo, 0) });
    }
    const rung = Atomics.exchange(words, ALARM, 0);
    for (const { signo, count } of found.sort((a, b) => a.stamp - b.stamp)) {
      this.#totals.set(signo, (this.#totals.get(signo) ?? 0) + count);
      for (let i = 0; i < Math.min(count, MOST); i++) this.#events.arrived(signo);
    }
    if (rung === 0 || rung !== this.#alarm) return;
    this.#alarm = 0;
    this.#events.alarmed();
  }

  /** Blocks the isolate until there is news, but no longer than `ms` milliseconds. */
  wait(ms: number): void {
    Atomics.wait(this.#words, NEWS, this.#seen, ms);
  }

  /** Our own listener has shown a signal: the thread heard it too, or is no more. */
  heardHere(signo: number): void {
    this.collect();
    if (this.covers(signo) || this.#doubts.has(signo)) return;
    const timer = startTimer(() => this.#doubt(signo), BOTH_MS);
    Deno.unrefTimer(timer);
    this.#doubts.set(signo, timer);
  }

  /** Whether the thread has told of what our own listener just shows. */
  covers(signo: number): boolean {
    const total = this.#totals.get(signo) ?? 0;
    if (total === (this.#shown.get(signo) ?? 0)) return false;
    this.#shown.set(signo, total);
    return true;
  }

  /** Resolves when it is clear of every signal that we heard whether the thread did. */
  async settle(): Promise<void> {
    while (this.#doubts.size > 0) {
      await new Promise<void>((resolve) => startTimer(resolve, BOTH_MS));
    }
  }

  /** Ends the thread. What it has heard was handed on before. */
  async close(): Promise<void> {
    this.collect();
    this.#end();
    this.#worker.ref();
    await this.#worker.terminate();
    await this.#gone;
  }

  /** Gives the thread up. */
  fail(why: string): void {
    if (!this.#open) return;
    const doubts = [...this.#doubts.keys()];
    this.collect();
    this.#end();
    this.#worker.terminate().catch(() => {}); // it has ended by itself
    this.#events.failed(why);
    for (const signo of doubts) if (!this.covers(signo)) this.#events.arrived(signo);
  }

  #end(): void {
    this.#open = false;
    for (const timer of this.#doubts.values()) clearTimeout(timer);
    this.#doubts.clear();
    // Releases who waits for news.
    Atomics.add(this.#words, NEWS, 1);
    Atomics.notify(this.#words, NEWS);
  }

  #doubt(signo: number): void {
    this.collect();
    if (!this.#doubts.delete(signo) || this.covers(signo)) return;
    // A thread that answers hears everything, but what came before it listened.
    const early = (this.#totals.get(signo) ?? 0) === this.#early.get(signo);
    if (!this.ping() && !this.covers(signo) || early) this.#events.arrived(signo);
  }

  async #listenForNews(): Promise<void> {
    while (this.#open) {
      const { async, value } = Atomics.waitAsync(this.#words, NEWS, this.#seen);
      if (async) await value;
      if (this.#open) this.collect();
    }
  }

  #ask(message: SignalThreadMessage): boolean {
    if (!this.#open) return false;
    const before = this.#acks;
    this.#post({ ...message, ack: true });
    const deadline = performance.now() + ANSWER_MS;
    for (let acks; (acks = Atomics.load(this.#words, ACKS)) === before;) {
      const left = deadline - performance.now();
      if (left <= 0) {
        this.fail(`it does not answer within ${ANSWER_MS} ms`);
        return false;
      }
      Atomics.wait(this.#words, ACKS, acks, left);
    }
    this.#acks = before + 1;
    return true;
  }

  #post(message: SignalThreadMessage): void {
    if (this.#open) this.#worker.postMessage(message);
  }
}
