/**
 * Turns among those who want work done: each has a lane, and the lanes are served one after the other.
 *
 * Little is under way at once, so that one who asks for a thing at a time comes as often as one who
 * asks for many: who holds one place of three gets a third.
 *
 * @module
 */

/** What is done in a turn; it does not reject. */
export type Work = () => Promise<void>;

/** Where the work of one of them waits. */
export interface Lane {
  /** Gives work to be done after what was given before. */
  push(work: Work): void;
  /** Drops the work that waits, and takes no more. */
  close(): void;
}

interface Waiting {
  queue: Work[];
  isReady: () => boolean;
}

/** Lanes that share `depth` places. */
export class Lanes {
  readonly #depth: number;
  readonly #lanes: Waiting[] = [];
  #next = 0;
  #underWay = 0;
  #idle: PromiseWithResolvers<void> | undefined;

  /** Lets at most `depth` pieces of work be under way. */
  constructor(depth: number) {
    this.#depth = depth;
  }

  /** Opens a lane; while `isReady` says no its turns pass by. Call {@linkcode serve} when it changes. */
  open(isReady: () => boolean = () => true): Lane {
    const lane: Waiting = { queue: [], isReady };
    this.#lanes.push(lane);
    return {
      push: (work) => {
        if (!this.#lanes.includes(lane)) return;
        lane.queue.push(work);
        this.serve();
      },
      close: () => {
        const index = this.#lanes.indexOf(lane);
        if (index < 0) return;
        this.#lanes.splice(index, 1);
        if (index < this.#next) this.#next--;
      },
    };
  }

  /** Begins what can begin. */
  serve(): void {
    while (this.#underWay < this.#depth) {
      const work = this.#take();
      if (work === undefined) return;
      this.#underWay++;
      this.#run(work);
    }
  }

  /** Resolves when nothing is under way. */
  async idle(): Promise<void> {
    while (this.#underWay > 0) await (this.#idle ??= Promise.withResolvers()).promise;
  }

  async #run(work: Work): Promise<void> {
    try {
      await work();
    } finally {
      this.#underWay--;
      this.serve();
      if (this.#underWay === 0) {
        this.#idle?.resolve();
        this.#idle = undefined;
      }
    }
  }

  #take(): Work | undefined {
    for (let tried = 0; tried < this.#lanes.length; tried++) {
      const index = (this.#next + tried) % this.#lanes.length;
      const { queue, isReady } = this.#lanes[index]!;
      if (queue.length === 0 || !isReady()) continue;
      this.#next = (index + 1) % this.#lanes.length;
      return queue.shift();
    }
    return undefined;
  }
}
