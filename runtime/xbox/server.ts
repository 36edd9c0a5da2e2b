/**
 * The entry's side of xbox: brings messages to the pool of this box or to other boxes, for pages and for workers.
 *
 * @module
 */

import { RuntimeError } from "../errors.ts";
import { AllowList, type PeerAddress, readReceiver, type Receiver } from "../peer/address.ts";
import { readPriority, TaskHandles } from "../pool/handles.ts";
import type { Pool } from "../pool/pool.ts";
import type { FindTask, PoolTask } from "../pool/task.ts";
import type { Services } from "../thread/thread.ts";
import { isRecord } from "../thread/values.ts";
import type { Log } from "../types/log.ts";
import type { XboxOptions, XboxPostOptions } from "../types/xbox.ts";
import { type Answer, blame, failureAnswer } from "./blame.ts";
import type { Arrived, Carried, Outgoing } from "./carrier.ts";
import { LocalMessage } from "./local.ts";
import { disabled } from "./xbox.ts";

/** Keeps durable messages. */
export interface Posts {
  /** Resolves when the message is kept. */
  accept(message: unknown, options: XboxPostOptions, by?: string): Promise<void>;
  /** Takes a message back. */
  unpost(key: string, by?: string): Promise<boolean>;
}

/** What messages can reach. */
export interface XboxServerOptions {
  /** The workers of this box that handle messages, if it has any. */
  pool: Pool | undefined;
  /** Names of this box; they may be added to. */
  self: ReadonlySet<string>;
  /** Throws if this box may not reach a box elsewhere. */
  checkReach(address: PeerAddress): void;
  /** Brings messages to boxes elsewhere. */
  remote(address: PeerAddress, outgoing: Outgoing): Carried;
  /** Brings messages to boxes of this machine. */
  sibling(name: string, outgoing: Outgoing): Carried;
  /** Keeps durable messages, once the store is open. */
  posts: Posts | undefined;
  /** The box's log. */
  log: Log;
}

/** A message that somebody of this box sends. */
export interface Submission extends Pick<XboxOptions, "to" | "timeoutMs" | "priority"> {
  /** The task that sends it. */
  parent?: PoolTask<unknown>;
  /** Whether nobody waits for its value. */
  posted?: boolean;
}

/** What one kind of sender may do. */
export interface Scope {
  /** Its name: it changes no durable messages but those of its like. Absent: it may change all. */
  readonly by?: string;
  /** Whether a receiver may be named. */
  allows(receiver: Receiver): boolean;
}

/** Whoever may name whatever the box can reach. */
export const UNSCOPED: Scope = Object.freeze({ allows: () => true });

/** Reads what the options of a kind of worker say of whom it may name; `by` is the worker's document. */
export function scopeOf(to: readonly string[] | undefined, by?: string): Scope {
  const list = new AllowList(to ?? []);
  return { by, allows: (receiver) => list.allows(receiver) };
}

/** Brings messages to those who handle them. */
export class XboxServer {
  readonly #options: XboxServerOptions;

  constructor(options: XboxServerOptions) {
    this.#options = options;
  }

  /** Whether this box handles messages itself. */
  get enabled(): boolean {
    return this.#options.pool !== undefined;
  }

  /** Names of this box. */
  get self(): ReadonlySet<string> {
    return this.#options.self;
  }

  /**
   * Brings a message, which is a private copy, to its receiver.
   *
   * @throws {RuntimeError} When it is refused.
   * @throws {TypeError} If `to` is no name of a box.
   */
  submit(message: unknown, submission: Submission, scope: Scope): Carried {
    const { to, timeoutMs, priority, parent, posted = false } = submission;
    const receiver = this.#receiver(to, scope);
    if (receiver.kind === "local") {
      // A posted message has no time, no depth and no end in common with who sent it.
      const above = posted ? undefined : parent;
      return this.#handle({ message, from: "localhost", timeoutMs, priority }, above);
    }
    const left = posted ? Infinity : parent?.remainingMs ?? Infinity;
    const keep = (): Carried =>
      this.#handle(
        { message, from: "localhost", timeoutMs, priority },
        posted ? undefined : parent,
      );
    const outgoing: Outgoing = { message, priority, posted, keep };
    if (timeoutMs !== undefined || left < Infinity) {
      outgoing.timeoutMs = Math.min(timeoutMs ?? Infinity, Math.max(1, left));
    }
    const carried = this.#carry(receiver, outgoing);
    if (!posted && parent !== undefined) cancelWith(carried, parent);
    return carried;
  }

  /** Hands a message from another box to the workers of this one. */
  receive(arrived: Arrived): Carried {
    return this.#handle(arrived);
  }

  /** Delivers a durable message; resolves when it was handled. */
  async deliver(outgoing: Outgoing & { to?: string }, signal: AbortSignal): Promise<void> {
    const { to, ...rest } = outgoing;
    const receiver = readReceiver(to, this.#options.self);
    const carried = receiver.kind === "local"
      ? this.#handle({ ...rest, from: "localhost" })
      : this.#carry(receiver, rest);
    const cancel = () => carried.cancel(signal.reason);
    signal.addEventListener("abort", cancel, { once: true });
    try {
      if (signal.aborted) cancel();
      await carried.answer;
    } finally {
      signal.removeEventListener("abort", cancel);
    }
  }

  /**
   * Keeps a durable message; resolves when it is kept.
   *
   * @throws {RuntimeError} When it is refused.
   */
  async accept(message: unknown, options: XboxPostOptions, scope: Scope): Promise<void> {
    const receiver = this.#receiver(options.to, scope);
    // Nobody will ever handle it there.
    if (receiver.kind === "local" && !this.enabled) throw disabled();
    if (receiver.kind === "remote") this.#options.checkReach(receiver.address);
    await this.#posts().accept(message, options, scope.by);
  }

  /** Takes a durable message back. */
  async unpost(key: string, scope: Scope): Promise<boolean> {
    return await this.#posts().unpost(key, scope.by);
  }

  /**
   * What one worker may call to send messages; to start one brings its handle, or an {@linkcode Answer} that says why
   * not. `find` knows the tasks that run on that worker; without one of them only a service thread may ask, which is what `rootless` says.
   */
  services(find: FindTask, scope: Scope, { rootless = false } = {}): Services {
    const handles = new TaskHandles<Answer>({ doing: "send a message", find, rootless });
    return {
      xboxStart: async (parentId, message, terms, posted) => {
        const { to } = isRecord(terms) ? terms : {};
        let accepted: Promise<unknown> | undefined;
        let handle: number | undefined;
        try {
          handle = handles.start(parentId, terms, (asked) => {
            const carried = this.submit(message, {
              ...asked,
              to: readTo(to),
              posted: posted === true,
            }, scope);
            accepted = carried.accepted;
            return answered(carried);
          });
          if (posted === true) await accepted;
          return handle;
        } catch (error) {
          if (handle !== undefined) handles.drop(handle);
          // Whoever else is to blame has been named.
          return failureAnswer(blame(error as Error, { side: "sender", mayHaveRun: false }));
        }
      },
      xboxAnswer: (handle) => handles.answer(handle),
      xboxWait: (handle) => handles.wait(handle),
      xboxCancel: (handle, reason) => handles.cancel(handle, reason),
      xboxAccept: (parentId, message, options) => {
        const parent = handles.parentOf(parentId);
        const terms: XboxPostOptions = isRecord(options) ? options : {};
        // What is no priority is refused with all else that is wrong.
        const priority = readPriority(terms.priority, parent?.priority) ?? terms.priority;
        return this.accept(message, { ...terms, priority }, scope);
      },
      xboxUnpost: (parentId, key) => {
        handles.parentOf(parentId);
        return this.unpost(key as string, scope);
      },
    };
  }

  #receiver(to: string | undefined, scope: Scope): Receiver {
    const receiver = readReceiver(to, this.#options.self);
    if (scope.allows(receiver)) return receiver;
    const denied = new RuntimeError(
      "PEER_DENIED",
      `Cannot send a message to ${
        JSON.stringify(to)
      }: the sender may not; its option "xbox.to" must name it`,
    );
    throw blame(denied, { side: "sender", mayHaveRun: false });
  }

  #carry(receiver: Exclude<Receiver, { kind: "local" }>, outgoing: Outgoing): Carried {
    const { remote, sibling } = this.#options;
    return receiver.kind === "node"
      ? sibling(receiver.name, outgoing)
      : remote(receiver.address, outgoing);
  }

  #posts(): Posts {
    const { posts } = this.#options;
    if (posts !== undefined) return posts;
    throw new RuntimeError("DISABLED", "Cannot post a durable message: the box does not run yet");
  }

  #handle(arrived: Arrived, parent?: PoolTask<unknown>): Carried {
    const { pool } = this.#options;
    if (pool === undefined) throw disabled();
    return new LocalMessage(pool, arrived, parent);
  }
}

function readTo(to: unknown): string | undefined {
  if (to === undefined || typeof to === "string") return to;
  throw new TypeError(`Cannot send a message: to must be a text, and a ${typeof to} was given`);
}

/** A message as a worker hears of it: what went wrong is an answer as well, with all that is known of it. */
function answered(carried: Carried) {
  const told = carried.answer.then(
    (value): Answer => ({ value }),
    (error): Answer => failureAnswer(error),
  );
  return {
    answer: told,
    ended: told.then(() => {}),
    wait: () => carried.wait(),
    cancel: (reason?: unknown) => carried.cancel(reason),
  };
}

/** What leaves the box ends with the task that sent it, when that is given up. */
function cancelWith(carried: Carried, parent: PoolTask<unknown>): void {
  const { signal } = parent;
  const cancel = () => carried.cancel(signal.reason);
  if (signal.aborted) return cancel();
  signal.addEventListener("abort", cancel, { once: true });
  const release = () => signal.removeEventListener("abort", cancel);
  carried.answer.then(release, release);
}
