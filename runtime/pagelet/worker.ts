/**
 * What runs inside a pagelet worker, and inside the workers of pages: a Hono app.
 *
 * @module
 */

import { type ErrorRecord, toErrorRecord } from "../errors.ts";
import { openSessions } from "../pool/entry/open.ts";
import { type Outcome, TaskRun } from "../pool/entry/runner.ts";
import type { Sessions } from "../pool/entry/session.ts";
import type { WorkerApi, WorkerContext } from "../thread/entry/main.ts";
import { bindRooms, type Rooms, type TaskScope } from "../thread/entry/rooms.ts";
import type { Globals, ServerInfo, ThreadType } from "../types/document.ts";
import type { Log } from "../types/log.ts";
import type { Pagelets } from "../types/pagelet.ts";
import type { Store } from "../types/store.ts";
import type { Xbox } from "../types/xbox.ts";
import { type ReadBody, readBody } from "./body.ts";
import { composeApp, type ComposedApp, makesRouter } from "./compose.ts";
import { RequestVariables } from "./variables.ts";
import type { Hono } from "../deps/hono.ts";
import type { WireRequest } from "./wire.ts";

/** Requests that a worker practises with. */
const REHEARSALS = 3;

/** Loads the app and makes the worker's functions. */
export async function open(context: WorkerContext): Promise<WorkerApi> {
  const { config, documents } = context;
  const rooms = bindRooms(context);
  const errors = new WeakMap<RequestVariables, Error>();
  const pagelets = documents.main!.default;
  const app = composeApp(
    [pagelets],
    pagelets,
    `document ${config.options.document}`,
    (error, variables) => void errors.set(variables, error),
    // Hono is the document's own; another one is only loaded for what basePath() returned.
    makesRouter(pagelets) ? undefined : new (await import("../deps/hono.ts")).Hono().router,
  );
  app.prepare();
  const { sessions, serve } = openSessions(context, rooms);
  const threadType = config.threadType as ThreadType;
  const worker: PageletWorker = { rooms, sessions, threadType, errors, app };
  if (makesRouter(pagelets)) await rehearse(pagelets as Hono, worker);
  return serve((run) => work(worker, run));
}

/** Answers a request. */
async function work(worker: PageletWorker, run: TaskRun): Promise<Outcome> {
  const wire = run.payload as WireRequest;
  const variables = new PageletVariables(worker, run);
  const request = new Request(wire.url, {
    method: wire.method,
    headers: wire.headers,
    body: wire.body as BodyInit | null,
    duplex: "half",
    signal: run.signal,
  } as RequestInit);
  const { response, body, error } = await respond(worker, request, variables);
  const head = {
    status: response.status,
    headers: [...response.headers],
    error: error === undefined ? undefined : toErrorRecord(error),
  };
  if (head.error !== undefined) {
    variables.log.error("A handler failed", describe(wire, head.error));
  }
  const finish = () => {
    // A body that nobody has read would stay for ever.
    if (request.body?.locked === false) request.body.cancel().catch(readerSaysIt);
    return variables.usedPhases?.afterSend(variables.log);
  };
  if (typeof body !== "function") {
    const value = { ...head, body };
    if (variables.usedPhases?.pending !== true) return finish(), { value, packs: true };
    return { value, after: finish };
  }
  const { promise: streamed, resolve: end } = Promise.withResolvers<void>();
  const stream = body((cancelled) => {
    if (cancelled) run.cancel("Nobody reads the response");
    end();
  });
  const value = { ...head, body: stream };
  return { value, transfer: [stream], after: () => streamed.then(finish) };
}

/** What answers requests. */
interface PageletWorker {
  rooms: Rooms;
  sessions: Sessions;
  threadType: ThreadType;
  /** What handlers threw, by request. */
  errors: WeakMap<RequestVariables, Error>;
  app: ComposedApp;
}

/** The variables of a pagelet, or of a page in a worker. */
class PageletVariables extends RequestVariables {
  readonly threadType: ThreadType;
  readonly #rooms: Rooms;
  readonly #run: TaskRun;

  constructor({ threadType, rooms }: PageletWorker, run: TaskRun) {
    super(run.requestId);
    this.threadType = threadType;
    this.#rooms = rooms;
    this.#run = run;
  }

  get store(): Store {
    return this.#rooms.store();
  }

  get globals(): Globals {
    return this.#rooms.globals();
  }

  get server(): ServerInfo {
    return this.#rooms.server();
  }

  get signal(): AbortSignal {
    return this.#run.signal;
  }

  protected override makePagelets(): Pagelets {
    return this.#rooms.pagelets(this.#scope());
  }

  protected override makeXbox(): Xbox {
    return this.#rooms.xbox(this.#scope());
  }

  protected override makeLog(): Log {
    return this.#rooms.log({ requestId: this.requestId });
  }

  #scope(): Omit<TaskScope, "enabled"> {
    return { taskId: this.#run.id, requestId: this.requestId, signal: this.signal };
  }
}

/**
 * Sends requests through an app of the same Hono that does nothing, so that the first real one does not
 * have to wait while Deno loads and compiles what every request needs.
 */
async function rehearse(pagelets: Hono, worker: PageletWorker): Promise<void> {
  const idle = new (pagelets.constructor as typeof Hono)();
  idle.get("/", (c) => c.html("<p></p>"));
  const app = composeApp([idle], idle, "rehearsal", () => {});
  const sessions = { isTrivial: true } as Sessions;
  const url = "http://localhost/";
  const headers: [string, string][] = [["accept", "text/html"]];
  const wire: WireRequest = { method: "GET", url, headers, body: null, requestId: "rehearsal" };
  for (let turn = 0; turn < REHEARSALS; turn++) {
    await work({ ...worker, app, sessions }, new TaskRun([0, 0, wire, 0, false]));
  }
  // Deno loads its timers when one is first asked for.
  clearTimeout(setTimeout(() => {}));
}

/** Runs request init, the app and the shutdown functions; an error of any of them becomes the response. */
async function respond(
  { app, sessions, errors }: PageletWorker,
  request: Request,
  variables: RequestVariables,
): Promise<{ response: Response; body: ReadBody; error: unknown }> {
  let response: Response | undefined;
  try {
    if (!sessions.isTrivial) {
      variables.join(await sessions.open(variables, () => variables.sessionParts(request)));
    }
    try {
      response = await app.fetch(request, variables);
      if (!(response instanceof Response) || response.status === 0) {
        throw new TypeError("The handler returned no response");
      }
    } finally {
      await variables.usedPhases?.beforeSend();
    }
    const body = await readBody(response);
    const error = errors.get(variables);
    if (error !== undefined) sessions.isDue(true);
    return { response, body, error };
  } catch (error) {
    sessions.isDue(true);
    // Whatever feeds the body must hear that nobody reads it; a body that is being read cannot be told.
    if (response?.body?.locked === false) response.body.cancel(error).catch(readerSaysIt);
    return {
      response: new Response(null, {
        status: 500,
        headers: { "content-type": "text/plain;charset=UTF-8" },
      }),
      body: new TextEncoder().encode("Internal Server Error"),
      error: error ?? new Error(`thrown value: ${error}`),
    };
  }
}

function describe(wire: WireRequest, error: ErrorRecord): Record<string, unknown> {
  return { method: wire.method, url: wire.url, why: error.message, stack: error.stack };
}

/** The next pull sees the error. */
function readerSaysIt(): void {}
