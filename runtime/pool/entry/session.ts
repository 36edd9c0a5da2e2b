/**
 * The sessions of a worker: when one begins, what it runs then, and what is left of it afterwards.
 *
 * The policy decides. It is tidiness and no protection: a document that means to can keep what it likes,
 * and only a fresh worker is free of it.
 *
 * @module
 */

import { RuntimeError } from "../../errors.ts";
import {
  backupThread,
  freeThread,
  isMainThread,
  restoreThread,
  shutdown,
  type ThreadBackup,
} from "../../resources/mod.ts";
import type { SessionContext } from "../../types/document.ts";
import type { Log } from "../../types/log.ts";
import type { SessionPolicy } from "../../types/site.ts";
import type { Session } from "../../types/xbox.ts";
import { Baseline } from "./baseline.ts";
import { Phases } from "./phases.ts";

/** What the sessions of a worker stand on. */
export interface SessionsOptions {
  /** What is kept between requests. */
  policy: SessionPolicy;
  /** The site's request init function, if it names one. */
  initialise: ((context: SessionContext) => unknown) | undefined;
  /** Hears when a session is being opened, and when that is over. */
  setOpening(value: boolean): void;
  /** Where trouble is written. */
  log: Log;
}

/** What the context of request init is made of, beside what the session itself gives. */
export type SessionParts = Omit<
  SessionContext,
  "session" | "onShutdown" | "onPostSend" | "onCleanup"
>;

/** One request's part in a session. */
export interface SessionUse {
  /** The session. */
  session: Session;
  /** What runs after the handler; what request init has registered is in it. */
  phases: Phases;
}

/** Opens and ends sessions. */
export class Sessions {
  readonly #options: SessionsOptions;
  readonly #baseline = new Baseline();
  readonly #spans: boolean;
  #shared: SessionUse | undefined;
  #opening: Promise<SessionUse> | undefined;
  #thread: ThreadBackup | undefined;
  #locals: Record<string, unknown> = {};
  #isDue = false;

  /** Make it once the documents are loaded: that is the state which requests of their own go back to. */
  constructor(options: SessionsOptions) {
    this.#options = options;
    this.#spans = options.policy === "restore" || options.policy === "keep";
    if (options.policy !== "request") return;
    this.#baseline.take();
    // The first look compiles what every other uses.
    this.#baseline.restore();
  }

  /** Whether requests share nothing that would have to be opened. */
  get isTrivial(): boolean {
    return !this.#spans && this.#options.initialise === undefined;
  }

  /** Lets the worker be replaced before its next request. */
  scheduleReset(): void {
    this.#isDue = true;
  }

  /** A request has ended, failed or not; says whether the worker should be replaced. */
  isDue(failed: boolean): boolean {
    // A request that is a session of its own leaves nothing behind that could be broken.
    if (failed && this.#spans) this.#isDue = true;
    return this.#isDue;
  }

  /**
   * Opens the session of a request, or joins the one that spans requests.
   *
   * @throws {RuntimeError} `INIT_FAILED` if request init throws; then the request is not to be run.
   */
  async open(
    request: { readonly requestId: string },
    parts: () => SessionParts,
  ): Promise<SessionUse> {
    if (!this.#spans) return await this.#begin(request.requestId, parts);
    if (this.#shared === undefined) {
      this.#shared = await (this.#opening ??= this.#begin(crypto.randomUUID(), parts));
      this.#takeBackup();
    }
    const { session, phases } = this.#shared;
    (session as { requests: number }).requests++;
    return { session, phases: phases.copy() };
  }

  /**
   * Nothing runs any more: what is left of the requests that ran goes, as far as the policy says.
   *
   * @param cancelled Whether one of them was cancelled: what it still waits for must not be stopped, or its
   * `finally` would never run.
   */
  tidy(cancelled: boolean): void {
    const { policy, log } = this.#options;
    if (policy === "fresh") return;
    // Without a session nothing was backed up: request init has failed, and a reset comes.
    if (this.#spans && this.#shared === undefined) return;
    if (policy === "keep") return void this.#baseline.restoreHandlers();
    try {
      if (policy === "restore") {
        restoreThread(this.#thread!);
        replaceProperties(this.#shared!.session.locals, this.#locals);
      }
    } catch (error) {
      log.error("A resource could not be restored", { why: String(error) });
      this.#isDue = true;
    }
    const { stuck } = this.#baseline.restore(cancelled);
    if (stuck.length === 0) return;
    log.warn("A request left what cannot be removed; the worker is replaced", {
      what: stuck.join(", "),
    });
    this.#isDue = true;
  }

  /** Ends the worker's resources before the worker does. */
  close(): void {
    // A worker that no entry has enrolled is the only thread of its resources.
    if (isMainThread()) shutdown();
    else freeThread();
  }

  async #begin(id: string, parts: () => SessionParts): Promise<SessionUse> {
    const { initialise, setOpening } = this.#options;
    const session = {
      id,
      startedAt: Date.now(),
      requests: this.#spans ? 0 : 1,
      locals: {} as Record<string, unknown>,
    };
    const phases = new Phases();
    if (initialise !== undefined) {
      const { onShutdown, onPostSend, onCleanup } = phases;
      setOpening(true);
      try {
        await initialise({ ...parts(), session, onShutdown, onPostSend, onCleanup });
      } catch (cause) {
        this.#opening = undefined;
        // It may have opened something before it failed.
        await phases.afterSend(this.#options.log);
        const cannot = "Cannot handle the request: request init failed";
        const error = new RuntimeError("INIT_FAILED", cannot, { cause });
        initFailures.add(error);
        throw error;
      } finally {
        setOpening(false);
      }
    }
    return { session, phases };
  }

  #takeBackup(): void {
    this.#baseline.take();
    if (this.#options.policy !== "restore") return;
    this.#thread = backupThread();
    this.#locals = { ...this.#shared!.session.locals };
  }
}

/** What was thrown before a handler ran; a handler may throw what looks the same. */
const initFailures = new WeakSet<object>();

/** Whether something was thrown since request init failed, so that no handler has run. */
export function isInitFailure(thrown: unknown): boolean {
  return typeof thrown === "object" && thrown !== null && initFailures.has(thrown);
}

function replaceProperties(target: Record<string, unknown>, source: Record<string, unknown>): void {
  for (const name of Object.keys(target)) if (!(name in source)) delete target[name];
  Object.assign(target, source);
}
