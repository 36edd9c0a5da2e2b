/**
 * What runs inside a pagelet worker, and inside the workers of pages: a Hono app, one request at a time.
 *
 * @module
 */

import { transfer } from "../deps/comlink.ts";
import { type ErrorRecord, RuntimeError, toErrorRecord } from "../errors.ts";
import type { WorkerApi, WorkerContext } from "../thread/entry/main.ts";
import { bindRooms, readRequestInit, type Rooms, type TaskScope } from "../thread/entry/rooms.ts";
import type { Globals, ServerInfo, SessionContext, ThreadType } from "../types/document.ts";
import type { Log } from "../types/log.ts";
import type { Pagelets } from "../types/pagelet.ts";
import type { Store } from "../types/store.ts";
import type { Xbox } from "../types/xbox.ts";
import { type ReadBody, readBody } from "./body.ts";
import { composeApp, type ComposedApp, makesRouter } from "./compose.ts";
import { RequestVariables } from "./variables.ts";
import type { PageletAnswer, WireRequest } from "./wire.ts";

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
  const initialise = readRequestInit(context);
  const running = new Map<number, AbortController>();

  async function run(id: number, wire: WireRequest): Promise<PageletAnswer & { open: boolean }> {
    const abort = new AbortController();
    running.set(id, abort);
    const variables = new PageletVariables(config.threadType as ThreadType, rooms, id, wire, abort);
    const request = new Request(wire.url, {
      method: wire.method,
      headers: wire.headers,
      body: wire.body as BodyInit | null,
      duplex: "half",
      signal: abort.signal,
    } as RequestInit);
    const { response, body, error } = await respond(app, request, variables, initialise, errors);
    const head = {
      status: response.status,
      headers: [...response.headers],
      error: error === undefined ? undefined : toErrorRecord(error),
    };
    if (head.error !== undefined) {
      variables.log.error("A handler failed", describe(wire, head.error));
    }
    const release = () => {
      running.delete(id);
      // A body that nobody has read would stay for ever.
      if (request.body?.locked === false) request.body.cancel().catch(readerSaysIt);
    };
    const finish = () => {
      release();
      return variables.usedPhases?.afterSend(variables.log) ?? Promise.resolve();
    };
    if (typeof body !== "function") {
      const open = variables.usedPhases?.pending ?? false;
      if (!open) release();
      else setTimeout(() => finish().then(() => context.call("done", id)));
      return { ...head, body, open };
    }
    const stream = body((cancelled) => {
      if (cancelled) abort.abort(new RuntimeError("CANCELLED", "Nobody reads the response"));
      finish().then(() => context.call("done", id));
    });
    return transfer({ ...head, body: stream, open: true }, [stream]);
  }

  return {
    run,
    cancel: (id: number, why: string) => {
      running.get(id)?.abort(new RuntimeError("CANCELLED", why));
    },
  };
}

/** The variables of a pagelet, or of a page in a worker. */
class PageletVariables extends RequestVariables {
  readonly threadType: ThreadType;
  readonly #rooms: Rooms;
  readonly #taskId: number;
  readonly #abort: AbortController;

  constructor(
    threadType: ThreadType,
    rooms: Rooms,
    taskId: number,
    { requestId }: WireRequest,
    abort: AbortController,
  ) {
    super(requestId);
    this.threadType = threadType;
    this.#rooms = rooms;
    this.#taskId = taskId;
    this.#abort = abort;
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
    return this.#abort.signal;
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
    return { taskId: this.#taskId, requestId: this.requestId, signal: this.signal };
  }
}

/** Runs request init, the app and the shutdown functions; an error of any of them becomes the response. */
async function respond(
  app: ComposedApp,
  request: Request,
  variables: RequestVariables,
  initialise: ((context: SessionContext) => unknown) | undefined,
  errors: WeakMap<RequestVariables, Error>,
): Promise<{ response: Response; body: ReadBody; error: unknown }> {
  let response: Response | undefined;
  try {
    if (initialise !== undefined) await openSession(initialise, variables.sessionContext(request));
    response = await app.fetch(request, variables);
    if (!(response instanceof Response) || response.status === 0) {
      throw new TypeError("The handler returned no response");
    }
    await variables.usedPhases?.beforeSend();
    const body = await readBody(response);
    return { response, body, error: errors.get(variables) };
  } catch (error) {
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

async function openSession(
  initialise: (context: SessionContext) => unknown,
  context: SessionContext,
): Promise<void> {
  try {
    await initialise(context);
  } catch (cause) {
    throw new RuntimeError("INIT_FAILED", "Cannot handle the request: request init failed", {
      cause,
    });
  }
}

function describe(wire: WireRequest, error: ErrorRecord): Record<string, unknown> {
  return { method: wire.method, url: wire.url, why: error.message, stack: error.stack };
}

/** The next pull sees the error. */
function readerSaysIt(): void {}
