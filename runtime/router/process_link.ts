/**
 * Links to child processes, over the channel that both runtimes of the ecosystem give a process and its child.
 *
 * A message is on its way only when its callback says so: a process that ends before that loses it.
 *
 * @module
 */

import { LONGEST_TIMER_MS } from "../checks.ts";
import { nameOf, numberOf, SIGKILL } from "../process/signal_numbers.ts";
import type { WireFrame } from "./frames.ts";
import type { ExitStatus, Link, LinkEvents } from "./link.ts";
import { LOOK_MS } from "./parent_watch.ts";

/** How long a child that has said goodbye may take to end, beside what it was given to finish, in milliseconds. */
const GRACE_MS = 1500;

/** How long is listened to a child that has ended, in milliseconds. */
const LAST_WORDS_MS = 5;

/** What both sides of the channel have. */
export interface Channel {
  on(event: string, listener: (...args: never[]) => void): unknown;
  send?(message: unknown, callback: (error: Error | null) => void): boolean;
  readonly connected?: boolean;
  disconnect?(): void;
}

/** The parent's side: a child process. */
export interface ChildChannel extends Channel {
  readonly pid?: number | undefined;
  kill(signal: "SIGKILL"): boolean;
}

/** The parent's side of a link to a child process. Its end is the end of the process. */
export class ProcessLink implements Link {
  readonly learnsEnd = true;
  readonly #child: ChildChannel;
  readonly #greeting: unknown;
  readonly #graceMs: number;
  #events: LinkEvents | undefined;
  #open = false;
  #ending = false;
  #exited = false;
  #grace: ReturnType<typeof setTimeout> | undefined;

  /**
   * Takes over a child; `greeting` is the first thing that it is told, and `drainMs` what its listeners have at its end, in
   * milliseconds.
   */
  constructor(child: ChildChannel, greeting?: unknown, drainMs = 0) {
    this.#child = child;
    this.#graceMs = Math.min(GRACE_MS + drainMs, LONGEST_TIMER_MS);
    this.#greeting = greeting;
    // A child can fail before anybody listens.
    child.on("error", (error: Error) => this.#events?.onFault(error));
    child.on(
      "exit",
      (code: number | null, signal: string | null) => this.#exit(code, signal),
    );
  }

  start(events: LinkEvents): void {
    this.#events = events;
    this.#child.on("message", (message: unknown) => this.#receive(message));
    if (this.#greeting !== undefined) this.#post(this.#greeting);
  }

  send(frame: WireFrame): void {
    this.#post(frame);
  }

  end(status: ExitStatus | null): void {
    if (this.#ending) return;
    this.#ending = true;
    if (this.#exited) return;
    if (status?.type === "exited") this.#grace = setTimeout(() => this.#kill(), this.#graceMs);
    else this.#kill();
  }

  signal(signo: number): boolean {
    if (this.#exited) return false;
    if (signo === SIGKILL) {
      this.#ending = true;
      this.#kill();
      return true;
    }
    const name = nameOf(signo);
    if (name === undefined) {
      throw new RangeError(`Cannot signal a process for real: Deno cannot send signal ${signo}`);
    }
    // The child's own way to send it would close the channel, whatever the signal.
    Deno.kill(this.#child.pid!, name);
    return true;
  }

  #kill(): void {
    this.#child.kill("SIGKILL");
  }

  #post(message: unknown): void {
    if (this.#ending || this.#exited) return;
    // What the channel does not take is not acknowledged, and so is reported when the child ends.
    this.#child.send?.(message, () => {});
  }

  #receive(message: unknown): void {
    if (this.#ending) return;
    if (!this.#open) {
      this.#open = true;
      this.#events!.onOpen();
      if (message === READY) return;
    }
    this.#events!.onFrame(message);
  }

  #exit(code: number | null, signal: string | null): void {
    this.#exited = true;
    clearTimeout(this.#grace);
    const status: ExitStatus = signal === null
      ? { type: "exited", value: code ?? 1 }
      : { type: "signaled", value: Math.max(0, numberOf(signal)) };
    // What the child said last may still be in the channel, which does not close by itself.
    setTimeout(() => {
      this.#ending = true;
      if (this.#child.connected) this.#child.disconnect?.();
      setTimeout(() => this.#events?.onEnd(status));
    }, LAST_WORDS_MS);
  }
}

/** What a child says first, when it listens. */
export const READY = "tandem-process-ready";

/** The child's side of a link to its parent. */
export class ParentLink implements Link {
  readonly learnsEnd = true;
  readonly #channel: Channel;
  #events: LinkEvents | undefined;
  #ended = false;
  #leaving = 0;
  #flushed: (() => void) | undefined;
  #look: ReturnType<typeof setInterval> | undefined;

  /** Takes over the channel to the parent. */
  constructor(channel: Channel) {
    this.#channel = channel;
  }

  start(events: LinkEvents): void {
    this.#events = events;
    this.#channel.on("message", (message: unknown) => {
      if (!this.#ended) events.onFrame(message);
    });
    this.#channel.on("disconnect", () => this.end(null));
    // A parent that was killed in the middle of a transfer does not always show as the end of the channel.
    const parent = Deno.ppid;
    this.#look = setInterval(() => Deno.ppid !== parent && this.end(null), LOOK_MS);
    Deno.unrefTimer(this.#look);
    this.#post(READY);
    events.onOpen();
  }

  send(frame: WireFrame): void {
    this.#post(frame);
  }

  signal(): boolean {
    return false;
  }

  end(status: ExitStatus | null): void {
    if (this.#ended) return;
    this.#ended = true;
    clearInterval(this.#look);
    this.#events?.onEnd(status);
  }

  /** Settles when all that was sent has left this process. */
  flushed(): Promise<void> {
    return new Promise((resolve) => {
      if (this.#leaving === 0) resolve();
      else this.#flushed = resolve;
    });
  }

  #post(message: unknown): void {
    if (this.#ended || this.#channel.connected === false) return;
    this.#leaving++;
    this.#channel.send?.(message, (error) => {
      if (--this.#leaving === 0) this.#flushed?.();
      // Where the parent died with messages unread there is no other sign of it.
      if (error !== null) this.end(null);
    });
  }
}
