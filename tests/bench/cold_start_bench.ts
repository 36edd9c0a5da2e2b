/**
 * A worker from nothing to ready, ended again outside the time that is measured.
 *
 * @module
 */

import { BoxState } from "../../runtime/box/state.ts";
import { KINDS, WorkerFactory, type WorkerKind } from "../../runtime/box/workers.ts";
import { newRing } from "../../runtime/pool/protocol.ts";
import { workerProcess } from "../../runtime/process/worker_process.ts";
import { TrueGlobals } from "../../runtime/resources/true_globals.ts";
import { openStore } from "../../runtime/store/mod.ts";
import { atEnd } from "./peers/ending.ts";
import { emptySite, SILENT } from "./peers/room.ts";
import { startWorker } from "./peers/workers.ts";

const { options } = emptySite(":memory:");
const store = await openStore({ url: ":memory:" });
atEnd(() => store.close());
const factory = new WorkerFactory({
  site: options,
  store,
  globals: new TrueGlobals(),
  log: SILENT,
  box: new BoxState(SILENT, 2),
});
const pagelet: WorkerKind = {
  name: "pagelets",
  module: KINDS.pagelet,
  threadType: "Pagelet Thread",
  worker: options.pagelets!,
  hasSessions: true,
};
const xbox: WorkerKind = {
  name: "xbox",
  module: KINDS.xbox,
  threadType: "Xbox Thread",
  worker: options.xbox!,
  hasSessions: true,
};

const group = "cold start of a worker";

function bare(name: string, module: string, baseline = false): void {
  Deno.bench(name, { group, baseline, n: 20, warmup: 3 }, async (b) => {
    b.start();
    const worker = await startWorker(module);
    b.end();
    worker.terminate();
  });
}

function own(name: string, kind: WorkerKind): void {
  Deno.bench(name, { group, n: 20, warmup: 3 }, async (b) => {
    b.start();
    const { signal } = new AbortController();
    const ring = kind.carrier === undefined ? newRing() : undefined;
    const pool = { ring, concurrency: 1, session: "request" as const, maxAgeMs: 0 };
    const thread = await factory.start(kind, { services: {}, signal, pool });
    b.end();
    await thread.close(1000);
  });
}

bare("bare Worker", "./echo_worker.ts", true);
bare("bare Worker with Comlink", "./comlink_worker.ts");
own("xbox worker", xbox);
own("pagelet worker", pagelet);
const carrier = workerProcess({ maxHeapMb: undefined });
own("xbox worker in a process", { ...xbox, carrier });
own("pagelet worker in a process", { ...pagelet, carrier });
