/**
 * The front of a box: turns requests into responses through the site's Hono app.
 *
 * A request passes context, request init, handler, shutdown functions, response, post-send work and
 * cleanup, in this order. When the client goes away, what the page started is cancelled.
 *
 * @module
 */

import { messageOf, RuntimeError } from "../errors.ts";
import { withFields } from "../log.ts";
import type { ComposedApp, OnHandlerError } from "../pagelet/compose.ts";
import { createPagelets } from "../pagelet/pagelets.ts";
import type { PageletServer } from "../pagelet/server.ts";
import { RequestVariables } from "../pagelet/variables.ts";
import { inRequest } from "../pool/entry/own.ts";
import { wantsRequests } from "../resources/mod.ts";
import type { Globals, ServerInfo, SessionContext, ThreadType } from "../types/document.ts";
import type { Log } from "../types/log.ts";
import type { Pagelets } from "../types/pagelet.ts";
import type { Store } from "../types/store.ts";
import type { Xbox } from "../types/xbox.ts";
import { RPC_PATH } from "../rpc/protocol.ts";
import type { RpcServer } from "../rpc/server.ts";
import { XBOX_PATH } from "../xbox/remote.ts";
import { createXbox } from "../xbox/xbox.ts";
import type { Scope, XboxServer } from "../xbox/server.ts";
import { ClientWatch } from "./client_watch.ts";
import { type Answer, RuntimePaths } from "./runtime_paths.ts";

/** What the entrypoint stands on. */
export interface EntrypointOptions {
  /** The site's pages; made once, with the hook that hears of handler errors. */
  compose(onError: OnHandlerError): ComposedApp;
  /** The shared store. */
  store: Store;
  /** Runs pagelets, if the site has any. */
  pagelets: PageletServer | undefined;
  /** Brings messages to this box and others. */
  xbox: XboxServer;
  /** Which boxes pages may name. */
  xboxScope: Scope;
  /** Answers calls of functions, if the site has an rpc document. */
  rpc?: RpcServer;
  /** Answers calls of boxes elsewhere; absent: there is no secret to know them by. */
  answerPeer?: Answer;
  /** The true globals. */
  globals: Globals;
  /** What is known about the box. */
  server: ServerInfo;
  /** Longest time until a page has a response, in milliseconds; 0: no limit. What the page starts has no more. */
  deadlineMs: number;
  /** Opens the session of a request. */
  requestInit: ((context: SessionContext) => unknown) | undefined;
  /** The box's log. */
  log: Log;
}

/** What a host tells about a request, beside what handlers read of it in `c.env`. */
export interface HostInfo {
  /** Settles when the response has been sent, or cannot be. Without it nobody knows. */
  readonly completed?: Promise<void>;
}

/** Serves requests until it is told to stop. */
export class Entrypoint {
  readonly #options: EntrypointOptions;
  readonly #app: ComposedApp;
  readonly #paths: RuntimePaths;
  #active = 0;
  #idle: (() => void)[] = [];

  constructor(options: EntrypointOptions) {
    this.#options = options;
    const { rpc, answerPeer } = options;
    this.#paths = new RuntimePaths({
      [RPC_PATH]: rpc && ((request) => rpc.fetch(request)),
      [XBOX_PATH]: answerPeer,
    });
    this.#app = options.compose((error, { log }) => {
      log.error("A page failed", { why: messageOf(error), stack: error.stack });
    });
  }

  /** Requests that are not over yet, work after the response included. */
  get active(): number {
    return this.#active;
  }

  /** Resolves when no request is under way. */
  async idle(): Promise<void> {
    if (this.#active > 0) await new Promise<void>((resolve) => this.#idle.push(resolve));
  }

  /**
   * Answers a request; it never rejects.
   *
   * @param info What the server knows of the connection; handlers find it in `c.env`.
   */
  async fetch(request: Request, info?: HostInfo): Promise<Response> {
    this.#active++;
    const answer = this.#paths.find(request);
    if (answer !== undefined) return await this.#answerItself(request, answer, info);
    const page = new PageVariables(this.#options, request);
    if (!wantsRequests()) return await this.#answer(request, page, info, () => this.#end());
    const { promise, resolve } = Promise.withResolvers<Response>();
    const ended = Promise.try(inRequest, page, () =>
      new Promise<void>((end) => {
        resolve(this.#answer(request, page, info, end));
      }));
    ended.catch((error) => {
      page.log.error("A resource failed", { why: messageOf(error) });
      // A hook may have ended the request before it was answered.
      resolve(new Response("Internal Server Error", { status: 500 }));
    }).then(() => this.#end());
    return await promise;
  }

  /** Answers what is not the site's to answer. */
  async #answerItself(
    request: Request,
    answer: Answer,
    info: HostInfo | undefined,
  ): Promise<Response> {
    const response = await answer(request);
    const end = () => this.#end();
    if (info?.completed instanceof Promise) info.completed.then(end, end);
    else end();
    return response;
  }

  /** Answers in time; `end` is called when the request is over, with all that comes after the response. */
  async #answer(
    request: Request,
    page: PageVariables,
    info: HostInfo | undefined,
    end: () => void,
  ): Promise<Response> {
    const { deadlineMs } = this.#options;
    const answered = this.#respond(request, page, info);
    if (deadlineMs === 0) {
      const response = await answered;
      this.#afterSend(page, info, end);
      return page.watch?.watch(response) ?? response;
    }
    let timer: ReturnType<typeof setTimeout> | undefined;
    const late = new Promise<undefined>((resolve) => {
      timer = setTimeout(() => resolve(undefined), deadlineMs);
    });
    const response = await Promise.race([answered, late]);
    clearTimeout(timer);
    if (response === undefined) {
      this.#giveUp(request, page, answered, end);
      return new Response("Gateway Timeout", { status: 504 });
    }
    this.#afterSend(page, info, end);
    return page.watch?.watch(response) ?? response;
  }

  /** The page goes on, since nothing can stop it here, but nobody waits for what it brings. */
  #giveUp(
    { method, url }: Request,
    page: PageVariables,
    answered: Promise<Response>,
    end: () => void,
  ): void {
    // A client may call this host whatever it likes.
    const path = URL.canParse(url) ? new URL(url).pathname : url.replace(/[?#].*$/s, "");
    const why = `Cannot finish page "${path}": its time was up`;
    page.log.error("A page took too long", { method, path });
    page.expire(new RuntimeError("DEADLINE_EXCEEDED", why));
    answered.then((response) => {
      // What the page does then may take for ever.
      response.body?.cancel().catch(isLoggedAlready);
      this.#afterSend(page, undefined, end);
    });
  }

  async #respond(
    request: Request,
    variables: PageVariables,
    info: HostInfo | undefined,
  ): Promise<Response> {
    const { requestInit } = this.#options;
    let response: Response | undefined;
    try {
      if (requestInit !== undefined) await requestInit(variables.sessionContext(request));
      response = await this.#app.fetch(request, variables, info);
      await variables.usedPhases?.beforeSend();
    } catch (error) {
      variables.log.error("A page failed", { why: messageOf(error) });
      // Whatever feeds the body must hear that nobody reads it.
      if (response?.body?.locked === false) response.body.cancel(error).catch(isLoggedAlready);
      response = new Response("Internal Server Error", { status: 500 });
    }
    return response;
  }

  /** Waits until the response has been sent, as far as the host tells, and does what comes then. */
  #afterSend(variables: PageVariables, info: HostInfo | undefined, end: () => void): void {
    const phases = variables.usedPhases;
    const finish = phases === undefined ? end : () => phases.afterSend(variables.log).then(end);
    if (info?.completed instanceof Promise) info.completed.then(finish, finish);
    else if (phases?.pending) setTimeout(finish);
    else end();
  }

  #end(): void {
    if (--this.#active > 0) return;
    for (const resolve of this.#idle.splice(0)) resolve();
  }
}

/** The variables of a page. */
class PageVariables extends RequestVariables {
  readonly threadType: ThreadType = "Web Request";
  /** When its time is up, on the clock of `performance.now()`; infinite without a limit. */
  readonly deadline: number;
  readonly #options: EntrypointOptions;
  readonly #request: Request;
  /** Watches the client, once something wants to know. */
  watch: ClientWatch | undefined;

  constructor(options: EntrypointOptions, request: Request) {
    super();
    this.#options = options;
    this.#request = request;
    this.deadline = options.deadlineMs === 0 ? Infinity : performance.now() + options.deadlineMs;
  }

  /** Ends what the page has started. */
  expire(error: Error): void {
    this.#watching().expire(error);
  }

  get store(): Store {
    return this.#options.store;
  }

  get globals(): Globals {
    return this.#options.globals;
  }

  get server(): ServerInfo {
    return this.#options.server;
  }

  get signal(): AbortSignal {
    const watch = this.#watching();
    watch.asked = true;
    return watch.signal;
  }

  #watching(): ClientWatch {
    return this.watch ??= new ClientWatch(this.#request);
  }

  protected override makePagelets(): Pagelets {
    const server = this.#options.pagelets;
    const { requestId } = this;
    const { signal } = this.#watching();
    return createPagelets({
      enabled: server !== undefined,
      requestId,
      signal,
      submit: ({ head, body }, id, { timeoutMs, priority }) => {
        const request = { ...head, body, requestId: id };
        const source = server!.source(request, { timeoutMs: this.#within(timeoutMs), priority });
        this.watch!.started(source.ended);
        return source;
      },
    });
  }

  protected override makeXbox(): Xbox {
    const server = this.#options.xbox;
    const { xboxScope } = this.#options;
    return createXbox({
      enabled: server.enabled,
      self: server.self,
      signal: this.#watching().signal,
      log: this.log,
      accept: (message, options) => server.accept(message, options, xboxScope),
      unpost: (key) => server.unpost(key, xboxScope),
      submit: (message, { to, timeoutMs, priority }, posted) => {
        const terms = { to, posted, timeoutMs: this.#within(timeoutMs), priority };
        return server.submit(structuredClone(message), terms, xboxScope);
      },
    });
  }

  /** What is left of the page's own time bounds what its parts may have. */
  #within(timeoutMs: number | undefined): number | undefined {
    if (this.deadline === Infinity) return timeoutMs;
    return Math.min(timeoutMs ?? Infinity, Math.max(1, this.deadline - performance.now()));
  }

  protected override makeLog(): Log {
    return withFields(this.#options.log, { requestId: this.requestId });
  }
}

/** The page has failed, and says so. */
function isLoggedAlready(): void {}
