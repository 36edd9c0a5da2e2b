/**
 * What a request finds in `c.var`, made when it is first asked for: most requests use little of it.
 *
 * @module
 */

import type {
  Globals,
  ServerInfo,
  SessionContext,
  TandemVariables,
  ThreadType,
} from "../types/document.ts";
import { Phases } from "../pool/entry/phases.ts";
import type { SessionParts, SessionUse } from "../pool/entry/session.ts";
import type { Log } from "../types/log.ts";
import type { Pagelets } from "../types/pagelet.ts";
import type { Store } from "../types/store.ts";
import type { Session, Xbox } from "../types/xbox.ts";

/** The variables of one request; entry and workers fill in how theirs are made. */
export abstract class RequestVariables implements TandemVariables {
  abstract readonly threadType: ThreadType;
  abstract readonly store: Store;
  abstract readonly globals: Globals;
  abstract readonly server: ServerInfo;
  abstract readonly signal: AbortSignal;
  #requestId: string | undefined;
  #pagelets: Pagelets | undefined;
  #xbox: Xbox | undefined;
  #log: Log | undefined;
  #session: Session | undefined;
  #phases: Phases | undefined;

  /** Takes the id that the request has, if it has one already. */
  constructor(requestId?: string) {
    this.#requestId = requestId;
  }

  get requestId(): string {
    return this.#requestId ??= crypto.randomUUID();
  }

  get pagelets(): Pagelets {
    return this.#pagelets ??= this.makePagelets();
  }

  get xbox(): Xbox {
    return this.#xbox ??= this.makeXbox();
  }

  get log(): Log {
    return this.#log ??= this.makeLog();
  }

  get session(): Session {
    return this.#session ??= {
      id: this.requestId,
      startedAt: Date.now(),
      requests: 1,
      locals: {},
    };
  }

  get onShutdown(): (fn: () => unknown) => void {
    return this.phases.onShutdown;
  }

  get onPostSend(): (fn: () => unknown) => void {
    return this.phases.onPostSend;
  }

  get onCleanup(): (fn: () => unknown) => void {
    return this.phases.onCleanup;
  }

  /** Makes the request a part of a session that was opened for it. */
  join({ session, phases }: SessionUse): void {
    this.#session = session;
    this.#phases = phases;
  }

  /** What is to be run after the handler. */
  get phases(): Phases {
    return this.#phases ??= new Phases();
  }

  /** The same, if anything was registered. */
  get usedPhases(): Phases | undefined {
    return this.#phases;
  }

  /** What the request init function gets where every request is a session of its own. */
  sessionContext(request: Request): SessionContext {
    const { session, onShutdown, onPostSend, onCleanup } = this;
    return { ...this.sessionParts(request), session, onShutdown, onPostSend, onCleanup };
  }

  /** The same without what the session gives. */
  sessionParts(request: Request): SessionParts {
    const { store, globals, threadType, log } = this;
    return { store, globals, threadType, log, request };
  }

  /** Makes `c.var.pagelets`. */
  protected abstract makePagelets(): Pagelets;
  /** Makes `c.var.xbox`. */
  protected abstract makeXbox(): Xbox;
  /** Makes `c.var.log`. */
  protected abstract makeLog(): Log;
}

/** What handlers see as `c.executionCtx`. */
export class ExecutionContext {
  /** Nothing. */
  readonly props: Record<string, never> = {};
  readonly #variables: RequestVariables;

  constructor(variables: RequestVariables) {
    this.#variables = variables;
  }

  /** Lets work go on after the response; the worker stays with the request until it has settled. */
  waitUntil(promise: Promise<unknown>): void {
    this.#variables.phases.waitUntil(promise);
  }

  /** Does nothing; there is no origin to pass a request on to. */
  passThroughOnException(): void {}
}
