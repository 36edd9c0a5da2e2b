/**
 * Which boxes a machine has, as its supervisor tells.
 *
 * @module
 */

/** One box of the machine. */
export interface SiblingBox {
  /** The name of its place, `box-1` for the first; one that drains has it together with its successor. */
  readonly alias: string;
  readonly pid: number;
  /** Whether it takes new messages. */
  readonly serving: boolean;
}

/** The name of whichever box serves, in turn. */
const ANY = "boxes";

/** The boxes of a machine, the one included that asks. */
export class Directory {
  #boxes: readonly SiblingBox[] = [];
  #turn = 0;

  /** All of them. */
  get boxes(): readonly SiblingBox[] {
    return this.#boxes;
  }

  /** Takes who there is. */
  update(boxes: readonly SiblingBox[]): void {
    this.#boxes = boxes.map(({ alias, pid, serving }) => ({ alias, pid, serving }));
  }

  /** The box of a process. */
  get(pid: number): SiblingBox | undefined {
    return this.#boxes.find((box) => box.pid === pid);
  }

  /** Finds a box that serves, by alias or, for `"boxes"`, the next one; another one than those of `not`. */
  choose(name: string, ...not: number[]): SiblingBox | undefined {
    const fits = this.#boxes.filter(({ alias, pid, serving }) =>
      serving && !not.includes(pid) && (name === ANY || alias === name)
    );
    return name === ANY ? fits[this.#turn++ % fits.length] : fits[0];
  }
}
