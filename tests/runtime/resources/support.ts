/**
 * Isolates to test resources with: this one, freshly started, and workers.
 *
 * @module
 */

import * as resources from "../../../runtime/resources/mod.ts";
import type { Inside } from "./thread_worker.ts";

/** Starts the manager in this isolate until the end of the block. */
export function started(options: resources.StartupOptions = {}): Disposable {
  if (!resources.startup(options)) throw new Error("A test before has left the manager running");
  return {
    [Symbol.dispose]: () => {
      resources.setShutdownHandler(undefined);
      resources.shutdown();
    },
  };
}

/** A worker under test. */
export class TestThread implements Disposable {
  /** Its number. */
  readonly number: number;
  /** What it calls the entry for. */
  services: resources.Enrolment["services"] = {};
  /** Whether the entry leaves the calls of this worker without an answer. */
  isDeaf = false;
  readonly #worker: Worker;
  readonly #runs = new Map<number, PromiseWithResolvers<unknown>>();
  #next = 1;

  constructor(number: number) {
    this.number = number;
    this.#worker = new Worker(new URL("./thread_worker.ts", import.meta.url), {
      type: "module",
      deno: { permissions: "none" },
    });
    this.#worker.onmessage = ({ data }) => this.#receive(data);
    this.#worker.onerror = (event) => {
      event.preventDefault();
      for (const run of this.#runs.values()) run.reject(new Error(event.message));
    };
  }

  /** Runs a function inside the worker; it sees nothing of what stands around it here. */
  run<A extends unknown[], T>(
    fn: (inside: Inside, ...args: A) => T,
    ...args: A
  ): Promise<Awaited<T>> {
    const id = this.#next++;
    const run = Promise.withResolvers<unknown>();
    this.#runs.set(id, run);
    this.#worker.postMessage({ id, source: String(fn), args });
    return run.promise as Promise<Awaited<T>>;
  }

  /** What the worker has logged since it was asked last. */
  log(): Promise<unknown[]> {
    return this.run(({ log }) => log.splice(0));
  }

  [Symbol.dispose](): void {
    this.#worker.terminate();
  }

  #receive(data: Record<string, never>): void {
    if ("call" in data) {
      if (this.isDeaf) return;
      const { call, name, args } = data as unknown as {
        call: number;
        name: string;
        args: unknown[];
      };
      const answer = (value: unknown) => this.#worker.postMessage({ answer: call, value });
      Promise.try(() => this.services[name]!(...args)).then(
        answer,
        (error) => answer(String(error)),
      );
      return;
    }
    const { id, value, error } = data as unknown as { id: number; value: unknown; error?: Error };
    const run = this.#runs.get(id)!;
    this.#runs.delete(id);
    if (error === undefined) run.resolve(value);
    else run.reject(Object.assign(new Error(error.message), error));
  }
}

/** Starts a trusted thread, which has joined when this resolves. */
export async function trusted(): Promise<TestThread> {
  const invitation = resources.invite();
  const thread = new TestThread(invitation.thread);
  await thread.run(({ resources }, invitation) => resources.join(invitation), invitation);
  return thread;
}

/** Starts an untrusted worker with a desk, which has joined when this resolves. */
export async function untrusted(
  number: number,
): Promise<TestThread & { enrolment: resources.Enrolment }> {
  const enrolment = resources.enroll(number);
  const thread = Object.assign(new TestThread(number), { enrolment });
  thread.services = enrolment.services;
  await thread.run(
    ({ resources, call }, desk, number) => resources.joinDesk(desk, call, number),
    enrolment.desk,
    number,
  );
  return thread;
}

/** A module whose text is `source`, by URL. */
export function moduleOf(source: string): string {
  return `data:text/javascript,${encodeURIComponent(source)}`;
}
