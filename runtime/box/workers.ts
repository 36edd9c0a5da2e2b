/**
 * Starts the workers of a box: which modules each kind loads, what it may call, what it is told.
 *
 * @module
 */

import type {} from "../document/worker.ts";
import type {} from "../pagelet/client.ts";
import type {} from "../resources/client.ts";
import type {} from "../pagelet/worker.ts";
import type {} from "../rpc/worker.ts";
import type {} from "../xbox/client.ts";
import type {} from "../xbox/worker.ts";
import { checkDocument } from "../document/load.ts";
import { RuntimeError } from "../errors.ts";
import { isLogLevel, withFields } from "../log.ts";
import type { ResolvedOptions, ResolvedWorker } from "../options.ts";
import type { PoolConfig } from "../pool/entry/open.ts";
import { enroll, isMainThread, startup } from "../resources/mod.ts";
import type { TrueGlobals } from "../resources/true_globals.ts";
import type { OpenStore } from "../store/mod.ts";
import type { StartCarrier } from "../thread/carrier.ts";
import { type Services, startThread, type Thread, type ThreadEnd } from "../thread/thread.ts";
import { isRecord } from "../thread/values.ts";
import type { ThreadType } from "../types/document.ts";
import type { Log } from "../types/log.ts";
import { LimitedLog } from "./log_limit.ts";
import type { BoxState } from "./state.ts";

/** A kind of worker. */
export interface WorkerKind {
  /** Name for messages. */
  name: string;
  /** The module that runs inside. */
  module: string;
  /** What handlers see as their thread type. */
  threadType: ThreadType;
  /** The site's document and what it may use. */
  worker: ResolvedWorker;
  /** Whether the site's request init document opens its sessions. */
  hasSessions: boolean;
  /** Longest time that a worker may take to load its documents, in milliseconds. */
  startTimeoutMs?: number;
  /** Starts what it runs in, if that is not a Worker; it shares no memory. */
  carrier?: StartCarrier;
}

/** What one worker is started with. */
export interface WorkerStart {
  /** What it may call beside store and log, which every worker has. */
  services: Services;
  /** Gives the start up when it aborts. */
  signal: AbortSignal;
  /** What its pool tells it, if it has one. */
  pool?: PoolConfig;
  /** Takes its answers to tasks. */
  onAnswers?(list: readonly unknown[]): string | undefined;
}

/** What all workers of a box have in common. */
export interface WorkerFactoryOptions {
  /** The site. */
  site: ResolvedOptions;
  /** The shared store. */
  store: OpenStore;
  /** The true globals, sealed before the first worker starts. */
  globals: TrueGlobals;
  /** The box's log. */
  log: Log;
  /** The state of the box. */
  box: BoxState;
}

/** Longest time that a worker may take to load its documents. */
const START_TIMEOUT_MS = 30_000;
const LONGEST_LOG_TEXT = 4096;

const CLIENTS = Object.freeze({
  store: new URL("../store/client.ts", import.meta.url).href,
  globals: new URL("../resources/client.ts", import.meta.url).href,
  pagelets: new URL("../pagelet/client.ts", import.meta.url).href,
  xbox: new URL("../xbox/client.ts", import.meta.url).href,
});

/** Modules of the kinds. */
export const KINDS = Object.freeze({
  document: new URL("../document/worker.ts", import.meta.url).href,
  pagelet: new URL("../pagelet/worker.ts", import.meta.url).href,
  rpc: new URL("../rpc/worker.ts", import.meta.url).href,
  xbox: new URL("../xbox/worker.ts", import.meta.url).href,
});

/** Starts workers and numbers them. */
export class WorkerFactory {
  /** Numbers of threads among the resources, which all boxes of this isolate share. */
  static #nextThread = 1;
  readonly #options: WorkerFactoryOptions;
  #nextId = 1;

  constructor(options: WorkerFactoryOptions) {
    this.#options = options;
  }

  /**
   * Starts a worker of a kind.
   *
   * @throws {RuntimeError} What `startThread` throws, and `INIT_NOT_FOUND` if the request init document has gone.
   */
  async start(
    kind: WorkerKind,
    { services, signal, pool, onAnswers }: WorkerStart,
  ): Promise<Thread> {
    const { site, store, globals, log, box } = this.#options;
    const { worker, module, threadType, hasSessions } = kind;
    const threadId = this.#nextId++;
    const name = `${kind.name} ${threadId}`;
    const init = hasSessions ? site.requestInit : undefined;
    const documents: Record<string, string> = { main: worker.document };
    if (init !== undefined) documents.init = init.document;
    const own = store.forWorker(worker.store);
    // A site may have shut its resources down.
    startup();
    const sharesMemory = kind.carrier === undefined;
    const desk = sharesMemory && isMainThread() ? enroll(WorkerFactory.#nextThread++) : undefined;
    const limited = new LimitedLog(withFields(log, { worker: name }));
    const thread = startThread({
      name,
      modules: { kind: module, clients: CLIENTS, documents },
      permissions: worker.permissions,
      services: {
        ...own.services,
        ...desk?.services,
        ...logService(limited),
        ...services,
      },
      config: {
        threadId,
        threadType,
        globals: globals.entries(),
        box: box.snapshot(),
        options: {
          document: worker.document,
          near: sharesMemory ? own.near : undefined,
          desk: desk?.desk,
          initDocument: init?.document,
          initFunction: init?.function,
          pool,
          pageletsEnabled: site.pagelets !== undefined,
          xboxEnabled: site.xbox !== undefined,
        },
      },
      startTimeoutMs: kind.startTimeoutMs ?? START_TIMEOUT_MS,
      onAnswers,
      signal,
      carrier: kind.carrier,
    });
    const leave = (end?: ThreadEnd) => {
      desk?.leave(end?.isOrderly ? "orderly" : "abandoned");
      limited.tellDropped();
      own[Symbol.dispose]();
    };
    thread.then(({ ended }) => ended).then(leave, () => leave());
    try {
      return await thread;
    } catch (error) {
      if (init !== undefined) await checkInit(init.document);
      throw error;
    }
  }
}

/** Says that a worker could not start because the request init document is not there. */
async function checkInit(document: string): Promise<void> {
  try {
    await checkDocument(document);
  } catch (cause) {
    const cannot = `Cannot open a session: request init document not found: ${document}`;
    throw new RuntimeError("INIT_NOT_FOUND", cannot, { cause });
  }
}

/** Lets a worker write to the log: text and plain fields only, no more of them than is useful. */
function logService(log: Log): Services {
  return {
    log: (level, message, fields) => {
      if (!isLogLevel(level) || typeof message !== "string") {
        throw new RuntimeError("BAD_MESSAGE", "Cannot write to the log: malformed line");
      }
      const plain: Record<string, unknown> = {};
      for (const [name, value] of Object.entries(isRecord(fields) ? fields : {}).slice(0, 32)) {
        // The worker has made text of what is not plain; looking into objects could take for ever here.
        if (typeof value === "object" && value !== null) continue;
        // The same goes for making text of a number of a million digits.
        if (typeof value === "bigint") continue;
        plain[name.slice(0, 64)] = typeof value === "string"
          ? value.slice(0, LONGEST_LOG_TEXT)
          : value;
      }
      log[level](message.slice(0, LONGEST_LOG_TEXT), plain);
    },
  };
}
