/**
 * Which box runs what a machine has once. There is one at most: another is told to only when the one before has
 * said that it has stopped, or has ended.
 *
 * @module
 */

import type { Log } from "../types/log.ts";
import type { BoxProcess } from "./box_process.ts";

/** How long is waited after a box could not. */
const RETRY_MS = 1000;

/** Chooses the box that leads. */
export class Leader {
  readonly #order: (box: BoxProcess, leads: boolean) => void;
  readonly #boxes: () => BoxProcess[];
  readonly #log: Log;
  #box: BoxProcess | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #closed = false;

  /** `boxes` are those that serve, the preferred ones first; `order` tells one of them. */
  constructor(
    boxes: () => BoxProcess[],
    order: (box: BoxProcess, leads: boolean) => void,
    log: Log,
  ) {
    this.#boxes = boxes;
    this.#order = order;
    this.#log = log;
  }

  /** The box that leads, or is about to stop that. */
  get box(): BoxProcess | undefined {
    return this.#box;
  }

  /** This box leads from its start. */
  begin(box: BoxProcess): void {
    this.#take(box);
  }

  /** Makes sure that somebody leads, and that who drains leads no more. */
  check(): void {
    if (this.#closed) return;
    if (this.#box?.state === "draining") this.#order(this.#box, false);
    if (this.#box !== undefined || this.#timer !== undefined) return;
    const [next] = this.#boxes();
    if (next === undefined) return;
    this.#take(next);
    this.#order(next, true);
  }

  /** A box says whether it leads. */
  hear(box: BoxProcess, leads: boolean, why: string | undefined): void {
    if (this.#box !== box || leads) return;
    this.#box = undefined;
    if (why === undefined) return this.check();
    this.#log.error("What runs once a machine could not be started", { pid: box.pid, why });
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      this.check();
    }, RETRY_MS);
  }

  /** Nobody is chosen any more. */
  close(): void {
    this.#closed = true;
    clearTimeout(this.#timer);
  }

  #take(box: BoxProcess): void {
    this.#box = box;
    box.ended.then(() => {
      if (this.#box !== box) return;
      this.#box = undefined;
      this.check();
    });
  }
}
