/**
 * Counts workers, which the sanitizers of `deno test` do not see.
 *
 * @module
 */

/** Workers that were started since, and those of them that still run. */
export interface WorkerCount extends Disposable {
  /** How many were started. */
  readonly started: number;
  /** How many have not been ended. */
  readonly running: number;
}

/** Counts the workers of this isolate until the end of the block. */
export function countWorkers(): WorkerCount {
  const Original = globalThis.Worker;
  const running = new Set<Worker>();
  let started = 0;
  globalThis.Worker = class extends Original {
    constructor(url: string | URL, options?: WorkerOptions) {
      super(url, options);
      started++;
      running.add(this);
    }

    override terminate(): void {
      running.delete(this);
      super.terminate();
    }
  };
  return {
    get started() {
      return started;
    },
    get running() {
      return running.size;
    },
    [Symbol.dispose]: () => void (globalThis.Worker = Original),
  };
}
