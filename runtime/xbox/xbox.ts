/**
 * What handlers and threads find as `xbox`, over whatever carries messages for them.
 *
 * @module
 */

import { messageOf, RuntimeError } from "../errors.ts";
import { readReceiver } from "../peer/address.ts";
import { checkPriority } from "../pool/priority.ts";
import type { Log } from "../types/log.ts";
import type {
  FanOutOptions,
  Xbox,
  XboxOptions,
  XboxPostOptions,
  XboxThread,
} from "../types/xbox.ts";
import { blame } from "./blame.ts";
import type { Carried } from "./carrier.ts";
import { checkPost, checkUnpost } from "./durable/check.ts";
import { fanOut } from "./fan_out.ts";
import { SourceXboxTask, type XboxSource } from "./task.ts";

/** What {@linkcode createXbox} needs to know. */
export interface XboxRoom {
  /** Whether this box handles messages itself. */
  enabled: boolean;
  /**
   * Hands a private copy of a message to its receiver; throws when it is refused. A posted one does not end
   * with who sent it.
   */
  submit(message: unknown, options: XboxOptions, posted: boolean): Carried;
  /** Keeps a durable message; resolves when it is kept. */
  accept(message: unknown, options: XboxPostOptions): Promise<void>;
  /** Takes a durable message back. */
  unpost(key: string): Promise<boolean>;
  /** Cancels what was started, posts excepted, when it aborts. */
  signal: AbortSignal | undefined;
  /** Where the failure of a posted message is written. */
  log: Log;
  /** What the worker may ask of itself; absent anywhere but in the xbox document. */
  thread?: XboxThread;
  /** Names of this box, as `readAddress` gives them, where they are known: a fan-out names no box twice. */
  self?: ReadonlySet<string>;
}

/** Makes the `xbox` object of one request or thread. */
export function createXbox(room: XboxRoom): Xbox {
  const hand = (message: unknown, options: XboxOptions, posted: boolean) => {
    if (!room.enabled && readReceiver(options.to, NOBODY).kind === "local") throw disabled();
    return room.submit(message, options, posted);
  };
  const submit = (message: unknown, options: XboxOptions, posted: boolean) => {
    checkOptions(options);
    options.signal?.throwIfAborted();
    const source = hand(message, options, posted);
    cancelWith(source, options.signal);
    return source;
  };
  const started = new Started(room.signal);
  return {
    enabled: room.enabled,
    start: <T>(message: unknown, options: XboxOptions = {}) => {
      const source = submit(message, options, false);
      started.add(source);
      return new SourceXboxTask<T>(source);
    },
    send: <T>(message: unknown, options: XboxOptions = {}) => {
      let answer: Promise<unknown>;
      try {
        const source = submit(message, options, false);
        started.add(source);
        source.wait();
        answer = source.answer;
      } catch (error) {
        answer = Promise.reject(error);
        answer.catch(callerHearsIt);
      }
      return answer as Promise<T>;
    },
    post: async (message, options = {}) => {
      checkPost(options);
      if (options.durable === true) {
        checkOptions(options);
        options.signal?.throwIfAborted();
        return await room.accept(message, options);
      }
      const source = submit(message, options, true);
      source.answer.catch((error) => {
        room.log.error("A posted message failed", { why: messageOf(error) });
      });
      await source.accepted;
    },
    unpost: async (key) => {
      checkUnpost(key);
      return await room.unpost(key);
    },
    fanOut: <T>(message: unknown, options = {} as FanOutOptions) => {
      const { timeoutMs, priority } = options;
      checkOptions({ timeoutMs, priority });
      return fanOut<T>(message, options, {
        start: (copy, terms) => new SourceXboxTask<T>(hand(copy, terms, false)),
        self: room.self,
        signal: room.signal,
      });
    },
    ...room.thread ?? NO_XBOX_WORKER,
  };
}

/** What a site without an xbox document says. */
export function disabled(): RuntimeError {
  const error = new RuntimeError(
    "DISABLED",
    'Cannot send a message: the site has no xbox document (option "xbox")',
  );
  return blame(error, { side: "receiver", mayHaveRun: false });
}

/** Only the entry knows by which other names the box is known. */
const NOBODY: ReadonlySet<string> = new Set();

/** What stands in the place of an xbox worker's own functions anywhere else. */
const NO_XBOX_WORKER: XboxThread = Object.freeze({
  scheduleReset: () => noXboxWorker("schedule a reset"),
  threadTime: () => noXboxWorker("tell the thread time"),
  threadTimeout: () => noXboxWorker("tell the thread timeout"),
  setThreadTimeout: () => noXboxWorker("set the thread timeout"),
});

function noXboxWorker(what: string): never {
  throw new TypeError(`Cannot ${what}: this is no xbox worker`);
}

/** A send may be refused while its page waits for another, which must not end the isolate. */
function callerHearsIt(): void {}

function checkOptions({ to, timeoutMs, priority }: XboxOptions): void {
  checkPriority("send a message", priority);
  if (timeoutMs !== undefined && (typeof timeoutMs !== "number" || !(timeoutMs > 0))) {
    throw new RangeError(
      `Cannot send a message: timeoutMs must be above 0, and ${timeoutMs} was given`,
    );
  }
  readReceiver(to, NOBODY);
}

/** What ends with the room that has started it. */
class Started {
  readonly #signal: AbortSignal | undefined;
  readonly #open = new Set<XboxSource>();
  #listens = false;

  constructor(signal: AbortSignal | undefined) {
    this.#signal = signal;
  }

  add(source: XboxSource): void {
    const signal = this.#signal;
    const release = () => this.#open.delete(source);
    // Also so that no answer counts as unheard: a send may fail while its page waits for another.
    source.answer.then(release, release);
    if (signal === undefined) return;
    if (signal.aborted) return source.cancel(signal.reason);
    this.#open.add(source);
    if (this.#listens) return;
    this.#listens = true;
    signal.addEventListener("abort", () => {
      for (const open of this.#open) open.cancel(signal.reason);
    }, { once: true });
  }
}

function cancelWith(source: XboxSource, signal: AbortSignal | undefined): void {
  if (signal === undefined) return;
  const cancel = () => source.cancel(signal.reason);
  if (signal.aborted) return cancel();
  signal.addEventListener("abort", cancel, { once: true });
  const release = () => signal.removeEventListener("abort", cancel);
  source.answer.then(release, release);
}
