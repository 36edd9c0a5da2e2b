/**
 * The front of a box: turns requests into responses through the site's Hono app.
 *
 * A request passes context, request init, handler, shutdown functions, response, post-send work and
 * cleanup, in this order. When the client goes away, what the page started is cancelled.
 *
 * @module
 */

import { messageOf } from "../errors.ts";
import { withFields } from "../log.ts";
import type { ComposedApp } from "../pagelet/compose.ts";
import { createPagelets } from "../pagelet/pagelets.ts";
import { Phases } from "../pagelet/phases.ts";
import type { PageletServer } from "../pagelet/server.ts";
import type { Globals, ServerInfo, SessionContext, TandemVariables } from "../types/document.ts";
import type { Log } from "../types/log.ts";
import type { Store } from "../types/store.ts";
import { createXbox } from "../xbox/xbox.ts";
import type { XboxServer } from "../xbox/server.ts";
import { ClientWatch } from "./client_watch.ts";

/** What the entrypoint stands on. */
export interface EntrypointOptions {
  /** The site's pages; made once, with the hook that hears of handler errors. */
  compose(onError: (error: Error, variables: TandemVariables) => void): ComposedApp;
  /** The shared store. */
  store: Store;
  /** Runs pagelets, if the site has any. */
  pagelets: PageletServer | undefined;
  /** Runs messages, if the site has an xbox document. */
  xbox: XboxServer | undefined;
  /** The true globals. */
  globals: Globals;
  /** What is known about the box. */
  server: ServerInfo;
  /** Opens the session of a request. */
  requestInit: ((context: SessionContext) => unknown) | undefined;
  /** The box's log. */
  log: Log;
}

/** Serves requests until it is told to stop. */
export class Entrypoint {
  readonly #options: EntrypointOptions;
  readonly #app: ComposedApp;
  #active = 0;
  #idle: (() => void)[] = [];

  constructor(options: EntrypointOptions) {
    this.#options = options;
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
  async fetch(request: Request, info?: object): Promise<Response> {
    this.#active++;
    const phases = new Phases();
    const watch = new ClientWatch(request);
    const variables = this.#variables(phases, watch);
    let response: Response | undefined;
    try {
      await this.#options.requestInit?.({ ...variables, request });
      response = await this.#app.fetch(request, variables, phases.executionCtx, info);
      await phases.beforeSend();
    } catch (error) {
      variables.log.error("A page failed", { why: messageOf(error) });
      // Whatever feeds the body must hear that nobody reads it.
      if (response?.body?.locked === false) response.body.cancel(error).catch(isLoggedAlready);
      response = new Response("Internal Server Error", { status: 500 });
    }
    return watch.send(response, () => {
      if (!phases.pending) return this.#end();
      // Post-send work begins once the response is on its way.
      setTimeout(() => phases.afterSend(variables.log).then(() => this.#end()));
    });
  }

  #variables(phases: Phases, watch: ClientWatch): TandemVariables {
    const { store, pagelets, xbox, globals, server, log: boxLog } = this.#options;
    const requestId = crypto.randomUUID();
    const log = withFields(boxLog, { requestId });
    const { signal } = watch;
    return {
      store,
      pagelets: createPagelets({
        enabled: pagelets !== undefined,
        requestId,
        signal,
        submit: ({ head, body }, id, { timeoutMs }) => {
          const source = pagelets!.source({ ...head, body, requestId: id }, { timeoutMs });
          watch.started(source.ended);
          return source;
        },
      }),
      xbox: createXbox({
        enabled: xbox !== undefined,
        signal,
        log,
        submit: (message, { timeoutMs }) => xbox!.source(message, { timeoutMs }),
      }),
      session: { id: requestId, startedAt: Date.now(), requests: 1, locals: {} },
      requestId,
      threadType: "Web Request",
      globals,
      log,
      server,
      signal,
      onShutdown: phases.onShutdown,
      onCleanup: phases.onCleanup,
    };
  }

  #end(): void {
    if (--this.#active > 0) return;
    for (const resolve of this.#idle.splice(0)) resolve();
  }
}

/** The page has failed, and says so. */
function isLoggedAlready(): void {}
