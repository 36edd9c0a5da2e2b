/**
 * What every worker runs first: it meets the entry, loads its kind and serves calls.
 *
 * This module is loaded inside workers only, beside the site's documents, which are untrusted code:
 * nothing here protects anything, the guard on the other side does.
 *
 * @module
 */

import { onTasks, postAnswers, setOpening } from "./early.ts";
import { expose, wrap } from "../../deps/comlink.ts";
import { messageOf, RuntimeError } from "../../errors.ts";
import { installErrorTransfer } from "../transfer.ts";
import type { ThreadConfig } from "../thread.ts";

/** Calls one of the entry's services. */
export type Call = (name: string, ...args: unknown[]) => Promise<unknown>;

/** What a kind's module is given. */
export interface WorkerContext {
  /** What the entry said when the worker opened. */
  config: ThreadConfig;
  /** Calls one of the entry's services. */
  call: Call;
  /** What the entry last said about the box. */
  box: BoxState;
  /** Where tasks come in and answers go out, past Comlink. */
  channel: TaskChannel;
  /** The modules that make clients of the box's rooms, by name. */
  clients: Record<string, ModuleExports>;
  /** The site's documents, by role. */
  documents: Record<string, ModuleExports>;
}

/** What a pool's side in the worker has of the thread. */
export interface TaskChannel {
  /** Hands every message of tasks that comes from now on to `take`; calls `last` before the worker ends itself. */
  take(take: (list: unknown[]) => void, last?: () => void): void;
  /** Sends answers; throws when one of them cannot be cloned, and then sends none. */
  post(list: unknown[], transfer: Transferable[]): void;
  /** Says that a session is being opened, in which an exit is no fault, or that this is over. */
  setOpening(value: boolean): void;
}

/** What a worker knows about its box. */
export interface BoxState {
  /** Whether the box is draining. */
  isStopping: boolean;
  /** 100 while all is well, 0 when no new work should come. */
  healthLevel: number;
  /** When the box began to boot, in milliseconds since the epoch. */
  startedAt: number;
}

/** The functions of a kind that the entry may call; `close` runs before an orderly end. */
export type WorkerApi = Record<string, (...args: never[]) => unknown>;

type ModuleExports = Record<string, unknown>;

/** The entry's services as Comlink shows them. */
type Remote = Record<string, (...args: unknown[]) => Promise<unknown>>;

/** What the bootstrap module hands over. */
interface Parts {
  kind: ModuleExports;
  clients: Record<string, ModuleExports>;
  /** The documents: where each is, and what evaluates it. */
  documents: Record<string, [url: string, evaluate: () => Promise<ModuleExports>]>;
}

/** What a client module may export, to be run before the documents are loaded. */
type Prepare = (call: Call, config: ThreadConfig) => void;

/** Calls that are under way at once; the guard ends a worker that has more than 1024. */
const MAX_OPEN_CALLS = 1000;

/** Serves the entry's calls until the worker ends. */
export function serveThread({ kind, clients, documents }: Parts): void {
  installErrorTransfer();
  const scope = globalThis as unknown as Worker;
  const remote = wrap(scope) as unknown as Remote;
  const call = paced(sender(remote));
  const open = kind.open as (context: WorkerContext) => WorkerApi | Promise<WorkerApi>;
  const box: BoxState = { isStopping: false, healthLevel: 100, startedAt: 0 };
  const channel: TaskChannel = { take: onTasks, post: postAnswers, setOpening };
  let served: WorkerApi = {};
  const api: Record<string, (args: never[]) => unknown> = {
    open: async ([config]: ThreadConfig[]) => {
      Object.assign(box, config!.box);
      for (const { prepare } of Object.values(clients)) {
        (prepare as Prepare | undefined)?.(call, config!);
      }
      const loaded: Record<string, ModuleExports> = {};
      // Request init first, as it runs first.
      for (const role of Object.keys(documents).sort()) {
        const [url, evaluate] = documents[role]!;
        loaded[role] = await load(url, role === "init" ? () => loadInit(evaluate) : evaluate);
      }
      served = await open({ config: config!, call, box, channel, clients, documents: loaded });
      for (const [name, method] of Object.entries(served)) {
        api[name] = (args: never[]) => method(...args);
      }
    },
    box: ([state]: Partial<BoxState>[]) => void Object.assign(box, state),
    close: () => {},
  };
  expose(api, scope);
}

async function load(url: string, evaluate: () => Promise<ModuleExports>): Promise<ModuleExports> {
  try {
    return await evaluate();
  } catch (cause) {
    const cannot = `Cannot load document ${url}: ${messageOf(cause)}`;
    throw new RuntimeError("DOCUMENT_INVALID", cannot, { cause });
  }
}

/** Evaluates the request init document, whose faults are told from those of other documents. */
async function loadInit(load: () => Promise<ModuleExports>): Promise<ModuleExports> {
  setOpening(true);
  try {
    return await load();
  } catch (cause) {
    const why = `Cannot open a session: request init failed: ${messageOf(cause)}`;
    throw new RuntimeError("INIT_FAILED", why, { cause });
  } finally {
    setOpening(false);
  }
}

/** Calls by name; the proxies are kept, since a call whose proxy is collected never settles. */
function sender(remote: Remote): Call {
  const methods = new Map<string, Remote[string]>();
  return (name, ...args) => {
    let method = methods.get(name);
    if (method === undefined) methods.set(name, method = remote[name]!);
    return method(...args);
  };
}

/** Lets calls above {@linkcode MAX_OPEN_CALLS} wait for their turn, first in, first out. */
function paced(send: Call): Call {
  const waiting: (() => void)[] = [];
  let open = 0;
  const next = () => {
    open--;
    waiting.shift()?.();
  };
  const begin: Call = (name, ...args) => {
    open++;
    const answered = send(name, ...args);
    answered.then(next, next);
    return answered;
  };
  return (name, ...args) => {
    if (open < MAX_OPEN_CALLS) return begin(name, ...args);
    return new Promise((resolve, reject) => {
      // Copied now, as if it were sent now.
      const copy = structuredClone(args);
      waiting.push(() => begin(name, ...copy).then(resolve, reject));
    });
  };
}
