/**
 * The pools of a box and the servers that stand on them: pagelets, xbox, and pages in workers.
 *
 * @module
 */

import type { ResolvedOptions, ResolvedPages, ResolvedPool } from "../options.ts";
import { PageletServer } from "../pagelet/server.ts";
import { Pool } from "../pool/pool.ts";
import type { FindTask } from "../pool/task.ts";
import { checkRights } from "../process/rights.ts";
import { workerProcess } from "../process/worker_process.ts";
import type { Services } from "../thread/thread.ts";
import type { ThreadType } from "../types/document.ts";
import type { Log } from "../types/log.ts";
import { XboxServer } from "../xbox/server.ts";
import { KINDS, type WorkerFactory } from "./workers.ts";

/** What stands behind the entrypoint and the workers. */
export interface Rooms {
  /** Every pool, by the name of the site's option. */
  pools: ReadonlyMap<"pagelets" | "xbox" | "pages", Pool>;
  /** Runs pagelets. */
  pagelets: PageletServer | undefined;
  /** Runs messages. */
  xbox: XboxServer | undefined;
  /** Runs pages, when they run in workers. */
  pages: PageletServer | undefined;
  /**
   * What one worker may call of them: in the name of the tasks that `find` finds, or, as service
   * threads do, in its own.
   */
  services(find: FindTask | "own"): Services;
}

/** Opens the pools that a site has; no worker is started. */
export function openRooms(
  options: ResolvedOptions,
  factory: WorkerFactory,
  { log, onLeak }: { log: Log; onLeak(): void },
): Rooms {
  const pools = new Map<"pagelets" | "xbox" | "pages", Pool>();
  const open = (
    name: "pagelets" | "xbox" | "pages",
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
      services: (find) => rooms.services(find),
      start: ({ services, ring, onAnswers, signal }) =>
        factory.start(kind, { services, signal, onAnswers, pool: { ring, concurrency, session } }),
    });
    pools.set(name, pool);
    return pool;
  };
  const { pagelets, xbox, pages } = options;
  const rooms: Rooms = {
    pools,
    pagelets: pagelets &&
      new PageletServer(open("pagelets", KINDS.pagelet, "Pagelet Thread", pagelets), pagelets),
    xbox: xbox && new XboxServer(open("xbox", KINDS.xbox, "Xbox Thread", xbox)),
    pages: pages === undefined || pages.isolation === "entry"
      ? undefined
      : new PageletServer(open("pages", KINDS.pagelet, "Web Request", pages), pages),
    services: (find) => {
      const rootless = find === "own";
      const tasks: FindTask = rootless ? () => undefined : find;
      return {
        ...rooms.pagelets?.services(tasks, { rootless }),
        ...rooms.xbox?.services(tasks, { rootless }),
      };
    },
  };
  return rooms;
}
