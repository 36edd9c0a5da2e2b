/**
 * What runs inside a pagelet worker, and inside the workers of pages: a Hono app, one request at a time.
 *
 * @module
 */

import { transfer } from "../deps/comlink.ts";
import { type ErrorRecord, RuntimeError, toErrorRecord } from "../errors.ts";
import type { WorkerApi, WorkerContext } from "../thread/entry/main.ts";
import { bindRooms, readRequestInit, type Rooms } from "../thread/entry/rooms.ts";
import type { SessionContext, TandemVariables, ThreadType } from "../types/document.ts";
import type { Session } from "../types/xbox.ts";
import { composeApp, type ComposedApp } from "./compose.ts";
import { Phases } from "./phases.ts";
import type { PageletAnswer, WireRequest } from "./wire.ts";

/** Loads the app and makes the worker's functions. */
export function open(context: WorkerContext): WorkerApi {
  const { config, documents } = context;
  const rooms = bindRooms(context);
  const errors = new WeakMap<TandemVariables, Error>();
  const pagelets = documents.main!.default;
  const app = composeApp(
    [pagelets],
    pagelets,
    `document ${config.options.document}`,
    (error, variables) => void errors.set(variables, error),
  );
  const initialise = readRequestInit(context);
  const running = new Map<number, AbortController>();

  async function run(id: number, wire: WireRequest): Promise<PageletAnswer & { open: boolean }> {
    const abort = new AbortController();
    running.set(id, abort);
    const phases = new Phases();
    const variables = makeVariables(config.threadType as ThreadType, rooms, {
      id,
      wire,
      phases,
      signal: abort.signal,
    });
    const request = new Request(wire.url, {
      method: wire.method,
      headers: wire.headers,
      body: wire.body as BodyInit | null,
      duplex: "half",
      signal: abort.signal,
    } as RequestInit);
    const { response, body, error } = await respond(
      app,
      request,
      variables,
      phases,
      initialise,
      errors,
    );
    const head = {
      status: response.status,
      headers: [...response.headers],
      error: error === undefined ? undefined : toErrorRecord(error),
    };
    if (head.error !== undefined) {
      variables.log.error("A handler failed", describe(wire, head.error));
    }
    const finish = () => {
      running.delete(id);
      return phases.afterSend(variables.log);
    };
    if (!(body instanceof ReadableStream)) {
      const open = phases.pending;
      if (!open) running.delete(id);
      else setTimeout(() => finish().then(() => context.call("done", id)));
      return { ...head, body, open };
    }
    const stream = onceRead(body, (cancelled) => {
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

function makeVariables(
  threadType: ThreadType,
  rooms: Rooms,
  { id, wire, phases, signal }: {
    id: number;
    wire: WireRequest;
    phases: Phases;
    signal: AbortSignal;
  },
): TandemVariables {
  const scope = { taskId: id, requestId: wire.requestId, signal, enabled: true };
  const session: Session = {
    id: wire.requestId,
    startedAt: Date.now(),
    requests: 1,
    locals: {},
  };
  return {
    store: rooms.store(),
    pagelets: rooms.pagelets(scope),
    xbox: rooms.xbox(scope),
    session,
    requestId: wire.requestId,
    threadType,
    globals: rooms.globals(),
    log: rooms.log({ requestId: wire.requestId }),
    server: rooms.server(),
    signal,
    onShutdown: phases.onShutdown,
    onCleanup: phases.onCleanup,
  };
}

/** Runs request init, the app and the shutdown functions; an error of any of them becomes the response. */
async function respond(
  app: ComposedApp,
  request: Request,
  variables: TandemVariables,
  phases: Phases,
  initialise: ((context: SessionContext) => unknown) | undefined,
  errors: WeakMap<TandemVariables, Error>,
): Promise<{ response: Response; body: PageletAnswer["body"]; error: unknown }> {
  let response: Response | undefined;
  try {
    if (initialise !== undefined) await openSession(initialise, { ...variables, request });
    response = await app.fetch(request, variables, phases.executionCtx);
    if (!(response instanceof Response) || response.status === 0) {
      throw new TypeError("The handler returned no response");
    }
    await phases.beforeSend();
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

/**
 * Reads what there is of a body: all of it when it ends within this turn, otherwise a stream that
 * brings what was read and then the rest, chunk by chunk.
 */
async function readBody(
  response: Response,
): Promise<Uint8Array | ReadableStream<Uint8Array> | null> {
  if (response.body === null) return null;
  const reader = response.body.getReader();
  const chunks: Uint8Array[] = [];
  let turnOver = false;
  let endTurn = () => {};
  const turn = new Promise<void>((resolve) => endTurn = resolve);
  const timer = setTimeout(() => (turnOver = true, endTurn()));
  let pending = reader.read();
  try {
    while (!turnOver) {
      const next = await Promise.race([pending, turn]);
      if (next === undefined) break;
      if (next.done) return join(chunks);
      if (!(next.value instanceof Uint8Array)) {
        const error = new TypeError("The response's body holds a chunk that is not bytes");
        reader.cancel(error).catch(readerSaysIt);
        throw error;
      }
      chunks.push(next.value);
      pending = reader.read();
    }
  } finally {
    clearTimeout(timer);
  }
  return new ReadableStream<Uint8Array>({
    async pull(controller) {
      const early = chunks.shift();
      if (early !== undefined) return controller.enqueue(early);
      const { done, value } = await pending;
      if (done) return controller.close();
      controller.enqueue(value);
      pending = reader.read();
      pending.catch(readerSaysIt);
    },
    cancel: (reason) => reader.cancel(reason),
  }, { highWaterMark: 0 });
}

/** Passes a stream on and tells when it has ended, and whether that was because nobody reads it. */
function onceRead(
  source: ReadableStream<Uint8Array>,
  ended: (cancelled: boolean) => void,
): ReadableStream<Uint8Array> {
  const reader = source.getReader();
  return new ReadableStream<Uint8Array>({
    async pull(controller) {
      try {
        const { done, value } = await reader.read();
        if (!done) return controller.enqueue(value);
        controller.close();
      } catch (error) {
        controller.error(error);
      }
      ended(false);
    },
    async cancel(reason) {
      try {
        await reader.cancel(reason);
      } finally {
        ended(true);
      }
    },
  }, { highWaterMark: 0 });
}

function join(chunks: Uint8Array[]): Uint8Array {
  if (chunks.length === 1) return chunks[0]!;
  const whole = new Uint8Array(chunks.reduce((sum, { byteLength }) => sum + byteLength, 0));
  let at = 0;
  for (const chunk of chunks) {
    whole.set(chunk, at);
    at += chunk.byteLength;
  }
  return whole;
}

function describe(wire: WireRequest, error: ErrorRecord): Record<string, unknown> {
  return { method: wire.method, url: wire.url, why: error.message, stack: error.stack };
}

/** The next pull sees the error. */
function readerSaysIt(): void {}
