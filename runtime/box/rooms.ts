/**
 * The pools of a box and the servers that stand on them: pagelets, xbox, rpc, and pages in workers.
 *
 * @module
 */

import type { ResolvedOptions, ResolvedPages, ResolvedPool, ResolvedWorker } from "../options.ts";
import { PageletServer } from "../pagelet/server.ts";
import { Pool } from "../pool/pool.ts";
import type { FindTask } from "../pool/task.ts";
import { checkRights } from "../process/rights.ts";
import { workerProcess } from "../process/worker_process.ts";
import type { Services } from "../thread/thread.ts";
import { RpcServer, type RpcServerOptions } from "../rpc/server.ts";
import type { ThreadType } from "../types/document.ts";
import type { Log } from "../types/log.ts";
import { scopeOf, XboxServer, type XboxServerOptions } from "../xbox/server.ts";
import { KINDS, type WorkerFactory } from "./workers.ts";

/** The pools of a site, by the names of its options. */
export type PoolName = "pagelets" | "xbox" | "rpc" | "pages";

/** What stands behind the entrypoint and the workers. */
export interface Rooms {
  /** Every pool, by the name of the site's option. */
  pools: ReadonlyMap<PoolName, Pool>;
  /** Runs pagelets. */
  pagelets: PageletServer | undefined;
  /** Brings messages to this box and others. */
  xbox: XboxServer;
  /** Answers calls of functions. */
  rpc: RpcServer | undefined;
  /** Runs pages, when they run in workers. */
  pages: PageletServer | undefined;
  /**
   * What one worker of a kind may call of them: in the name of the tasks that `find` finds, or, as service
   * threads do, in its own.
   */
  services(find: FindTask | "own", worker: ResolvedWorker): Services;
}

/** What the rooms stand on. */
export interface RoomsOptions {
  log: Log;
  /** A stuck worker was given up. */
  onLeak(): void;
  /** What brings messages to other boxes. */
  carriers: Omit<XboxServerOptions, "pool" | "log">;
  /** Whether a request brings the credential of a peer; absent: boxes have no secret. */
  isPeer: RpcServerOptions["isPeer"];
}

/** Opens the pools that a site has; no worker is started. */
export function openRooms(
  options: ResolvedOptions,
  factory: WorkerFactory,
  { log, onLeak, carriers, isPeer }: RoomsOptions,
): Rooms {
  const pools = new Map<PoolName, Pool>();
  const open = (
    name: PoolName,
    module: string,
    threadType: ThreadType,
    worker: ResolvedPool | ResolvedPages,
  ) => {
    const { concurrency, session, startTimeoutMs, isolation, maxHeapMb, permissions } = worker;
    const inProcess = isolation === "process";
    // Also where no worker is started with the box.
    if (inProcess) checkRights(`workers of pool ${name}`, permissions);
    const carrier = inProcess ? workerProcess({ maxHeapMb }) : undefined;
    const kind = { name, module, threadType, worker, hasSessions: true, startTimeoutMs, carrier };
    const fresh = session === "fresh";
    const pool = new Pool({
      ...worker,
      name,
      log,
      onLeak,
      fresh,
      inProcess,
      maxRequests: fresh ? 1 : worker.maxRequests,
      setsTenure: name === "xbox" || name === "rpc",
      services: (find) => rooms.services(find, worker),
      start: ({ services, ring, maxAgeMs, onAnswers, signal }) => {
        const pool = { ring, concurrency, session, maxAgeMs };
        return factory.start(kind, { services, signal, onAnswers, pool });
      },
    });
    pools.set(name, pool);
    return pool;
  };
  const { pagelets, xbox, rpc, pages } = options;
  const rooms: Rooms = {
    pools,
    pagelets: pagelets &&
      new PageletServer(open("pagelets", KINDS.pagelet, "Pagelet Thread", pagelets), pagelets),
    xbox: new XboxServer({
      ...carriers,
      pool: xbox && open("xbox", KINDS.xbox, "Xbox Thread", xbox),
      log,
    }),
    rpc: rpc && new RpcServer(open("rpc", KINDS.rpc, "RPC Thread", rpc), { ...rpc, log, isPeer }),
    pages: pages === undefined || pages.isolation === "entry"
      ? undefined
      : new PageletServer(open("pages", KINDS.pagelet, "Web Request", pages), pages),
    services: (find, { xbox: { to }, document }) => {
      const rootless = find === "own";
      const tasks: FindTask = rootless ? () => undefined : find;
      return {
        ...rooms.pagelets?.services(tasks, { rootless }),
        ...rooms.xbox.services(tasks, scopeOf(to, document), { rootless }),
      };
    },
  };
  return rooms;
}
