/**
 * A place for a box: whichever box serves there, the one that is to take over, and what happens when it is lost.
 *
 * @module
 */

import { messageOf, RuntimeError } from "../errors.ts";
import type { Log } from "../types/log.ts";
import { BackOff } from "./back_off.ts";
import type { BoxProcess } from "./box_process.ts";

/** What a slot needs of the supervisor. */
export interface SlotHost {
  /** Starts a box. */
  start(slot: Slot): BoxProcess;
  /** A box serves, or does so no more. */
  onChange(): void;
  /** The slot starts no more boxes. */
  onGiveUp(why: string): void;
  /** Longest time for the drain of a box, in milliseconds. */
  graceMs: number;
  log: Log;
}

/** A box that was lost is started again at once, one that keeps being lost later and later. */
const RESTARTS = { firstMs: 100, longestMs: 30_000, most: 10, soundMs: 2000 };
/** The same for boxes that must be replaced: these go on serving meanwhile. */
const REPLACEMENTS = { firstMs: 250, longestMs: 30_000, most: Infinity, soundMs: 10_000 };

/** A place for a box. */
export class Slot {
  /** Its number, from 1. */
  readonly index: number;
  /** The box that serves here, or is to. */
  box: BoxProcess | undefined;
  /** How often a box was started after one was lost. */
  restarts = 0;
  /** How often a box was replaced. */
  replacements = 0;
  /** Why the last box was lost, or the last replacement failed. */
  lastFailure: string | undefined;
  readonly #host: SlotHost;
  readonly #restarting = new BackOff(RESTARTS);
  readonly #replacingAgain = new BackOff(REPLACEMENTS);
  /** Boxes that have given way and drain. */
  readonly #leaving = new Set<BoxProcess>();
  #successor: BoxProcess | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #notBefore = 0;
  #stopped = false;
  #givenUp = false;

  /** Makes an empty place. */
  constructor(index: number, host: SlotHost) {
    this.index = index;
    this.#host = host;
  }

  /** All its boxes that have not ended. */
  get boxes(): BoxProcess[] {
    const all = [this.box, this.#successor, ...this.#leaving];
    return all.filter((box) => box !== undefined && box.state !== "ended") as BoxProcess[];
  }

  /** Whether it starts no more boxes. */
  get givenUp(): boolean {
    return this.#givenUp;
  }

  /** Whether its box may be replaced now. */
  get isReplaceable(): boolean {
    return !this.#stopped && this.#successor === undefined && this.box?.state === "serving" &&
      performance.now() >= this.#notBefore;
  }

  /** Starts a box, and others when it is lost; resolves when it serves, and rejects with why it does not. */
  async fill(): Promise<void> {
    const box = this.box = this.#begin();
    box.ended.then((why) => this.#lost(box, why));
    await box.ready;
    this.#host.onChange();
  }

  /**
   * Starts a box and, when it serves, lets the one before drain.
   *
   * @param isStuck Whether the box before cannot drain.
   * @throws {Error} If the new box does not come to serve, and if the slot is being stopped; the old one goes on.
   */
  async replace(why: string, isStuck = false): Promise<void> {
    if (this.#stopped) throw new RuntimeError("STOPPING", "the supervisor was told to stop");
    clearTimeout(this.#timer);
    const old = this.box;
    let next: BoxProcess;
    try {
      next = this.#successor = this.#host.start(this);
      await next.ready;
    } catch (error) {
      this.#successor = undefined;
      this.lastFailure = messageOf(error);
      this.#delayReplacement(0);
      if (old === undefined || old.state === "ended") this.#restart(0);
      throw error;
    }
    this.#successor = undefined;
    this.#givenUp = false;
    this.#restarting.reset();
    this.replacements++;
    this.box = next;
    next.ended.then((reason) => this.#lost(next, reason));
    this.#delayReplacement(old === undefined ? Infinity : performance.now() - old.servesSince);
    this.#host.log.info("A box is replaced", {
      slot: this.index,
      why,
      pid: old?.pid,
      by: next.pid,
    });
    this.#host.onChange();
    if (this.#stopped) await next.drain(this.#host.graceMs);
    if (old === undefined || old.state === "ended") return;
    this.#leaving.add(old);
    const gone = isStuck ? old.kill(why) : old.drain(this.#host.graceMs);
    this.#host.onChange();
    await gone;
    this.#leaving.delete(old);
  }

  /** Starts no more boxes and lets those that are there drain. */
  async drain(graceMs: number): Promise<void> {
    this.#stopped = true;
    clearTimeout(this.#timer);
    await Promise.all(this.boxes.map((box) => box.drain(graceMs)));
  }

  /** Ends its boxes at once. */
  async kill(why: string): Promise<void> {
    this.#stopped = true;
    clearTimeout(this.#timer);
    await Promise.all(this.boxes.map((box) => box.kill(why)));
  }

  /** A box that has to be replaced again and again is left alone for a while. */
  #delayReplacement(heldMs: number): void {
    this.#notBefore = performance.now() + this.#replacingAgain.failed(heldMs)!;
  }

  #lost(box: BoxProcess, why: string): void {
    if (this.box !== box || this.#stopped) return;
    this.lastFailure = why;
    this.#host.log.error("A box was lost", { slot: this.index, pid: box.pid, why });
    this.#host.onChange();
    // Its successor is on the way.
    if (this.#successor === undefined) {
      this.#restart(Math.max(0, performance.now() - box.servesSince));
    }
  }

  /** Starts a box; tries again later if not even that can be done. */
  #begin(): BoxProcess {
    try {
      return this.#host.start(this);
    } catch (error) {
      const why = this.lastFailure = messageOf(error);
      this.#host.log.error("A box could not be started", { slot: this.index, why });
      this.#restart(0);
      throw error;
    }
  }

  #restart(heldMs: number): void {
    if (this.#stopped) return;
    clearTimeout(this.#timer);
    const pause = this.#restarting.failed(heldMs);
    if (pause === undefined) {
      this.#givenUp = true;
      const why =
        `box ${this.index} was lost ${this.#restarting.failures} times in a row: ${this.lastFailure}`;
      this.#host.onGiveUp(why);
      return;
    }
    this.#timer = setTimeout(() => {
      if (this.#stopped || this.#successor !== undefined) return;
      this.restarts++;
      this.fill().catch(isSaidAlready);
    }, pause);
  }
}

/** The end of the box says why, or what kept it from starting. */
function isSaidAlready(): void {}
