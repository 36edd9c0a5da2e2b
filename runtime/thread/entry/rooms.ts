/**
 * What every kind of worker finds of its box: the rooms above the thread, each through the client
 * module that the bootstrap brought, and the log and the state of the box, which have none.
 *
 * @module
 */

import { RuntimeError } from "../../errors.ts";
import type { Globals, ServerInfo, SessionContext } from "../../types/document.ts";
import type { Log, LogLevel } from "../../types/log.ts";
import type { Pagelets } from "../../types/pagelet.ts";
import type { Store } from "../../types/store.ts";
import type { Xbox, XboxThread } from "../../types/xbox.ts";
import type { BoxState, Call, WorkerContext } from "./main.ts";

/** In whose name a room is used. */
export interface TaskScope {
  /** The entry's id of the running task; `null` in a service thread, which has none. */
  taskId: number | null;
  /** Id of the request, for logs. */
  requestId: string;
  /** Cancels what was started when it aborts. */
  signal?: AbortSignal;
  /** Whether the site has a pool of this kind. */
  enabled: boolean;
  /** What the worker may ask of itself; only in the xbox document. */
  thread?: XboxThread;
}

/** The box as a worker sees it. */
export interface Rooms {
  /** The shared store. */
  store(): Store;
  /** Starts pagelets in the name of a task. */
  pagelets(scope: Omit<TaskScope, "enabled">): Pagelets;
  /** Sends messages in the name of a task. */
  xbox(scope: Omit<TaskScope, "enabled">): Xbox;
  /** The true globals. */
  globals(): Globals;
  /** The box's log, with these fields on every line. */
  log(fields?: Record<string, unknown>): Log;
  /** The state of the box. */
  server(): ServerInfo;
}

/** Makes the clients of a worker. */
export function bindRooms({ call, clients, config, box }: WorkerContext): Rooms {
  const make = <T>(room: string, exportName: string, ...args: unknown[]) => {
    return (clients[room]![exportName] as (...args: unknown[]) => T)(...args);
  };
  const store = make<Store>("store", "createStoreClient", call, config.options.near);
  const globals = make<Globals>("globals", "createGlobalsClient", config.globals);
  const server = serverInfo(box);
  const { pageletsEnabled, xboxEnabled } = config.options;
  return {
    store: () => store,
    globals: () => globals,
    server: () => server,
    pagelets: (scope) =>
      make("pagelets", "createPageletClient", call, {
        ...scope,
        enabled: pageletsEnabled === true,
      }),
    xbox: (scope) =>
      make("xbox", "createXboxClient", call, { ...scope, enabled: xboxEnabled === true }),
    log: (fields) => createWorkerLog(call, fields),
  };
}

/**
 * Reads the function that a document exports by default.
 *
 * @typeParam F The function.
 * @throws {RuntimeError} `DOCUMENT_INVALID` if it exports none.
 */
export function readFunction<F>({ documents, config }: WorkerContext): F {
  const exported = documents.main!.default;
  if (typeof exported === "function") return exported as F;
  throw new RuntimeError(
    "DOCUMENT_INVALID",
    `Cannot use document ${config.options.document}: its default export must be a function, and it ` +
      `exports ${exported === undefined ? "nothing" : `a value of type ${typeof exported}`}`,
  );
}

/**
 * Finds the request init function that the site names.
 *
 * @returns The function, or `undefined` when the site names none.
 */
export function readRequestInit(
  { documents, config }: WorkerContext,
): ((context: SessionContext) => unknown) | undefined {
  const name = config.options.initFunction;
  return typeof name === "string" ? documents.init?.[name] as never : undefined;
}

/** A log whose lines are written by the entry. */
export function createWorkerLog(call: Call, common: Record<string, unknown> = {}): Log {
  const write = (level: LogLevel) => (message: string, fields?: Record<string, unknown>) => {
    call("log", level, String(message), plainFields({ ...common, ...fields })).catch(logIsGone);
  };
  return { debug: write("debug"), info: write("info"), warn: write("warn"), error: write("error") };
}

/** Fields as text where they are not plain, since a line in a log must not fail. */
function plainFields(fields: Record<string, unknown>): Record<string, unknown> {
  const plain: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(fields)) {
    const simple = value === null ||
      ["string", "number", "boolean", "undefined"].includes(typeof value);
    plain[name] = simple ? value : describe(value);
  }
  return plain;
}

function describe(value: unknown): string {
  if (value instanceof Error) return value.stack ?? value.message;
  try {
    return JSON.stringify(value) ?? String(value);
  } catch {
    return Deno.inspect(value);
  }
}

function serverInfo(box: BoxState): ServerInfo {
  return {
    get isStopping() {
      return box.isStopping;
    },
    get healthLevel() {
      return box.healthLevel;
    },
    get uptimeMs() {
      return Date.now() - box.startedAt;
    },
    get startedAt() {
      return box.startedAt;
    },
  };
}

/** A worker whose entry is gone has nobody to log to. */
function logIsGone(): void {}
