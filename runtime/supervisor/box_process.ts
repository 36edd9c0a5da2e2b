/**
 * A box as its supervisor sees it: a child process from its start to its end.
 *
 * @module
 */

import type { BoxReport, News } from "./messages.ts";

/** What a box is doing. */
export type BoxState = "starting" | "serving" | "draining" | "ended";

/** How a process ended, for people: `exit code 1` or `signal 9`. */
export type EndReason = string;

/** What a box needs of its supervisor. */
export interface BoxHost {
  /** Sends it something; nothing if it has ended. */
  drain(pid: number, graceMs: number): void;
  /** Ends it at once. */
  kill(pid: number): void;
}

/** One box. */
export class BoxProcess {
  /** Its process id. */
  readonly pid: number;
  /** When it was started, in milliseconds since the epoch. */
  readonly startedAt = Date.now();
  /** Resolves when it serves; rejects with why it never does. */
  readonly ready: Promise<void>;
  /** Resolves when its process has ended. */
  readonly ended: Promise<EndReason>;
  /** When it began to serve, on the clock of `performance.now()`. */
  servesSince = Infinity;
  /** What it last said of itself. */
  report: BoxReport | undefined;
  /** When it last said something, on the clock of `performance.now()`. */
  heardAt = performance.now();
  readonly #host: BoxHost;
  readonly #ready = Promise.withResolvers<void>();
  readonly #ended = Promise.withResolvers<EndReason>();
  #state: BoxState = "starting";
  #failure: string | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** Stands for a process that was started; ends it if it does not serve within `bootMs` milliseconds. */
  constructor(pid: number, bootMs: number, host: BoxHost) {
    this.pid = pid;
    this.#host = host;
    this.ready = this.#ready.promise;
    this.ready.catch(isHandledByStarter);
    this.ended = this.#ended.promise;
    this.#timer = setTimeout(() => {
      this.#failure ??= `it did not serve within ${bootMs} ms`;
      host.kill(pid);
    }, bootMs);
  }

  /** What it is doing. */
  get state(): BoxState {
    return this.#state;
  }

  /** Takes what it says of itself. */
  hear(news: News): void {
    this.heardAt = performance.now();
    if (news.type === "report") this.report = news.report;
    else if (news.type === "failed") this.#failure = news.why;
    else if (news.type === "ready" && this.#state === "starting") {
      clearTimeout(this.#timer);
      this.#state = "serving";
      this.servesSince = performance.now();
      this.#ready.resolve();
    }
  }

  /** Tells it to drain, and ends it if it has not within its time; resolves when it has ended. */
  async drain(graceMs: number): Promise<void> {
    if (this.#state === "starting") this.#failure ??= "it was told to stop";
    if (this.#state === "starting" || this.#state === "serving") {
      this.#state = "draining";
      clearTimeout(this.#timer);
      this.#host.drain(this.pid, graceMs);
      this.#timer = setTimeout(() => this.#host.kill(this.pid), graceMs + KILL_AFTER_MS);
    }
    await this.#ended.promise;
  }

  /** Ends it at once; resolves when it has ended. */
  async kill(why: string): Promise<void> {
    this.#failure ??= why;
    if (this.#state !== "ended") this.#host.kill(this.pid);
    await this.#ended.promise;
  }

  /** Its process has ended. */
  end(reason: EndReason): void {
    clearTimeout(this.#timer);
    this.#state = "ended";
    const why = this.#failure ?? `its process ended: ${reason}`;
    this.#ready.reject(new Error(why));
    this.#ended.resolve(why);
  }
}

/** How much longer than its grace a box may take to drain. */
const KILL_AFTER_MS = 250;

/** Most wait for the end, not for the start. */
function isHandledByStarter(): void {}
