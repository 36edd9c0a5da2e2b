/**
 * One permission-scoped worker from outside: start it, call it, end it, learn why it ended.
 *
 * A thread carries services as opaque named calls and knows nothing of what they do. Every call is
 * raced against the thread's end, so that nothing waits for a worker that is gone. A worker that is
 * stuck in synchronous code cannot be stopped inside its process: it is given up and counted by its owner,
 * unless its carrier stops it all the same.
 *
 * @module
 */

import { expose, transfer, wrap } from "../deps/comlink.ts";
import { RuntimeError } from "../errors.ts";
import type { ThreadModules } from "./bootstrap.ts";
import type { Carrier, StartCarrier } from "./carrier.ts";
import type { PingMessage, TasksMessage } from "./channel.ts";
import { type Accept, Guard } from "./guard.ts";
import { containStreamFaults } from "./stream_faults.ts";
import { installErrorTransfer } from "./transfer.ts";
import { startWorkerCarrier } from "./worker_carrier.ts";

/** Calls that a worker may make of the entry, by name. Their arguments are untrusted. */
export type Services = Readonly<Record<string, (...args: unknown[]) => unknown>>;

/** What a worker is told when it opens. */
export interface ThreadConfig {
  /** Number of the thread, unique in its box. */
  threadId: number;
  /** Which kind of worker it is. */
  threadType: string;
  /** The true globals. */
  globals: Record<string, unknown>;
  /** What is known about the box. */
  box: { isStopping: boolean; healthLevel: number; startedAt: number };
  /** What the kind's own module reads. */
  options: Record<string, unknown>;
}

/** How a thread is started. */
export interface ThreadOptions {
  /** Name for messages and logs. */
  name: string;
  /** What runs inside. */
  modules: ThreadModules;
  /** Deno's permission descriptor; it can only narrow what the box has. */
  permissions: Deno.PermissionOptions;
  /** What the worker may call. */
  services: Services;
  /** What the worker is told when it opens. */
  config: ThreadConfig;
  /** Takes the worker's answers to tasks; says what is wrong with them, if something is. Absent: it gets no tasks. */
  onAnswers?(list: readonly unknown[]): string | undefined;
  /** Longest time from start to ready, in milliseconds. */
  startTimeoutMs: number;
  /** Gives the start up when it aborts. */
  signal?: AbortSignal;
  /** Starts what it runs in. @default a Worker of this process */
  carrier?: StartCarrier;
}

/** Why a thread ended. */
export interface ThreadEnd {
  /** `closed` by its owner, `exited` by itself, `failed` by an uncaught error, `violated` the protocol, given up as `stuck`. */
  reason: "closed" | "exited" | "failed" | "violated" | "stuck";
  /** What every open call was rejected with. */
  error: RuntimeError;
  /** Whether the worker itself has ended what it held before. */
  isOrderly: boolean;
  /** The code that it has left with, if it has exited and said so. */
  code?: number;
}

/** A worker's functions as Comlink shows them. */
type Remote = Record<string, (...args: unknown[]) => Promise<unknown>>;

/** Calls that one worker may have open at once. */
const MAX_OPEN_CALLS = 1024;
/** How long a worker that is not ready in time may take to show that it is not stuck. */
const LAST_CHANCE_MS = 2000;
/** The same for one that does not say that it is done. */
const LAST_WORD_MS = 250;
/** How long one that can be stopped whatever it does may take to show that it is not stuck. */
export const STOPPABLE_VERDICT_MS = 20;
/**
 * Timers that the time for a heartbeat is made of: an entry that was blocked, or a process that was stopped,
 * finds the first of them late, and the answer before the last.
 */
const PING_TURNS = 4;

/**
 * Starts a worker and resolves once it has loaded its documents and said so.
 *
 * @throws {RuntimeError} `PERMISSION_ESCALATION` if the permissions exceed the box's own, `DOCUMENT_INVALID`
 * if a document does not export what its kind needs, `THREAD_EXITED` if the worker ends while it loads,
 * `DEADLINE_EXCEEDED` if it is not ready in time, `THREAD_STUCK` if it does not even answer then: such a
 * worker cannot be stopped.
 */
export async function startThread(options: ThreadOptions): Promise<Thread> {
  const thread = new Thread(options);
  const { signal, startTimeoutMs, name } = options;
  const giveUp = () => thread.end("closed", signal!.reason);
  const late = `Cannot start worker "${name}": it was not ready within ${startTimeoutMs} ms`;
  let ready = false;
  const timer = setTimeout(async () => {
    // A document that waits for something at its top level can be stopped; one that spins, by few carriers.
    const turns = thread.stops || await thread.ping(LAST_CHANCE_MS) !== undefined;
    if (ready) return;
    if (turns) thread.end("closed", new RuntimeError("DEADLINE_EXCEEDED", late));
    else thread.end("stuck", new RuntimeError("THREAD_STUCK", late));
  }, startTimeoutMs);
  signal?.addEventListener("abort", giveUp, { once: true });
  try {
    signal?.throwIfAborted();
    await thread.call("open", [options.config]);
    ready = true;
    return thread;
  } catch (error) {
    thread.end("failed", error);
    await thread.gone;
    throw error;
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener("abort", giveUp);
  }
}

/** A running worker. Make one with {@linkcode startThread}. */
export class Thread {
  /** Name for messages and logs. */
  readonly name: string;
  /** Number of the thread, unique in its box. */
  readonly id: number;
  /** Resolves when the thread has ended, with the reason. */
  readonly ended: Promise<ThreadEnd>;
  /** Aborts when the thread has ended, with the error that open calls get. */
  readonly signal: AbortSignal;
  readonly #carrier: Carrier;
  readonly #guard: Guard;
  readonly #remote: Remote;
  readonly #methods = new Map<string, Remote[string]>();
  readonly #open = new Set<(error: unknown) => void>();
  readonly #gone = new AbortController();
  readonly #pings = new Set<(heapBytes: number | undefined) => void>();
  #end: ThreadEnd | undefined;
  #resolveEnded!: (end: ThreadEnd) => void;

  constructor(options: ThreadOptions) {
    const { name, services, config, onAnswers, carrier: start = startWorkerCarrier } = options;
    installErrorTransfer();
    containStreamFaults();
    this.name = name;
    this.id = config.threadId;
    this.signal = this.#gone.signal;
    this.ended = new Promise((resolve) => this.#resolveEnded = resolve);
    const leave = (why: string, isOpening: boolean, code?: number) => {
      if (!isOpening) return this.end("exited", why, false, code);
      const cannot = `Worker "${name}" ended while it opened a session: ${why}`;
      this.end("exited", new RuntimeError("INIT_EXITED", cannot));
    };
    // Null prototype: only the names that stand here exist.
    const served: Services = Object.assign(Object.create(null), services, {
      goodbye: (given: unknown, opening: unknown) => {
        const code = typeof given === "number" ? given : 0;
        leave(`it left with code ${code}`, opening === true, code);
      },
    });
    const onViolation = (what: string) => this.end("violated", `it ${what}`);
    const carrier = this.#carrier = start(options, {
      onMessage: (message) => guard.receive(message),
      onFailed: (why) => this.end("failed", why),
      onExit: leave,
      onViolation,
    });
    const guard = this.#guard = new Guard({
      names: new Set(Object.keys(served)),
      post: (message, list) => carrier.post(message, list),
      onViolation,
      maxOpenCalls: MAX_OPEN_CALLS,
      onAnswers: onAnswers ?? (() => "answered although it has no tasks"),
      onPong: (heapBytes) => {
        for (const resolve of this.#pings) resolve(heapBytes);
        this.#pings.clear();
      },
    });
    expose(served, guard.calls);
    this.#remote = wrap(guard.answers) as unknown as Remote;
  }

  /** Whether the worker can still be called. */
  get alive(): boolean {
    return this.#end === undefined;
  }

  /** Whether the worker can be stopped whatever it does, so that none is ever left burning a core. */
  get stops(): boolean {
    return this.#carrier.stops;
  }

  /** Number of the worker's process, if it has one of its own. */
  get pid(): number | undefined {
    return this.#carrier.pid;
  }

  /** Resolves when the thread has ended and what it held is free again. */
  get gone(): Promise<void> {
    return this.ended.then(() => this.#carrier.gone);
  }

  /**
   * Calls a function of the worker's kind.
   *
   * @param accept Judges and rebuilds the answer; absent, any plain data is accepted. An answer that it
   * throws at ends the worker.
   * @throws {RuntimeError} `THREAD_EXITED` or `BAD_MESSAGE` when the thread ends before it answers.
   */
  call(
    method: string,
    args: readonly unknown[],
    { accept, transferables }: { accept?: Accept; transferables?: Transferable[] } = {},
  ): Promise<unknown> {
    if (this.#end !== undefined) return Promise.reject(this.#end.error);
    return new Promise((resolve, reject) => {
      this.#open.add(reject);
      const settled = () => this.#open.delete(reject);
      const list = transferables?.length ? [transfer([...args], transferables)] : [args];
      this.#guard.asking(accept, () => this.#method(method)(...list)).then(
        (value) => (settled(), resolve(value)),
        (error) => (settled(), reject(error)),
      );
    });
  }

  /**
   * Sends tasks, packed into one message; the answers come to `onAnswers`.
   *
   * @throws {DOMException} `DataCloneError` if one of them cannot be cloned; then none was sent.
   */
  send(list: unknown[], transferables: Transferable[]): void {
    if (this.#end !== undefined) return;
    this.#carrier.post({ type: "TASKS", list } satisfies TasksMessage, transferables);
  }

  /** Resolves to the bytes that the worker's heap uses, or to nothing when it does not answer within `ms`. */
  async ping(ms: number): Promise<number | undefined> {
    if (this.#end !== undefined) return undefined;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const answered = new Promise<number | undefined>((resolve) => {
      this.#pings.add(resolve);
      let left = PING_TURNS;
      const wait = () => {
        if (left-- > 0) return void (timer = setTimeout(wait, ms / PING_TURNS));
        this.#pings.delete(resolve);
        resolve(undefined);
      };
      wait();
    });
    this.#guard.pinged();
    this.#carrier.post({ type: "PING" } satisfies PingMessage, []);
    try {
      return await answered;
    } finally {
      clearTimeout(timer);
    }
  }

  /**
   * Asks the worker to end, then ends it. A worker that does not answer within `graceMs` milliseconds is
   * stuck in synchronous code: unless its carrier stops it, it burns a core until the process ends.
   *
   * @returns Why it ended: `"stuck"` when it did not answer.
   */
  async close(graceMs: number): Promise<ThreadEnd["reason"]> {
    if (this.#end === undefined) {
      let timer: ReturnType<typeof setTimeout> | undefined;
      const late = new Promise<"stuck">((resolve) => {
        timer = setTimeout(() => resolve("stuck"), graceMs);
      });
      const answered = this.call("close", []).then(
        () => "closed" as const,
        () => "closed" as const,
      );
      let reason: "closed" | "stuck" = await Promise.race([answered, late]);
      clearTimeout(timer);
      // A worker whose document broke what answers calls can be ended as long as it turns.
      const isOrderly = reason === "closed";
      const lastWordMs = this.stops ? STOPPABLE_VERDICT_MS : LAST_WORD_MS;
      if (!isOrderly && await this.ping(lastWordMs) !== undefined) reason = "closed";
      this.end(reason, reason === "stuck" ? "it does not answer" : "it was closed", isOrderly);
    }
    await this.gone;
    return (await this.ended).reason;
  }

  /** Ends the worker at once and rejects every open call. Ending it again changes nothing. */
  end(reason: ThreadEnd["reason"], why: unknown, isOrderly = false, code?: number): void {
    if (this.#end !== undefined) return;
    const error = why instanceof RuntimeError ? why : new RuntimeError(
      reason === "violated" ? "BAD_MESSAGE" : "THREAD_EXITED",
      `Worker "${this.name}" ended: ${why instanceof Error ? why.message : why}`,
      why instanceof Error ? { cause: why } : undefined,
    );
    this.#end = { reason, error, isOrderly, ...(code === undefined ? {} : { code }) };
    this.#guard.close();
    this.#carrier.terminate();
    for (const reject of this.#open) reject(error);
    this.#open.clear();
    for (const resolve of this.#pings) resolve(undefined);
    this.#pings.clear();
    this.#gone.abort(error);
    this.#resolveEnded(this.#end);
  }

  #method(name: string): Remote[string] {
    let method = this.#methods.get(name);
    if (method === undefined) this.#methods.set(name, method = this.#remote[name]!);
    return method;
  }
}
