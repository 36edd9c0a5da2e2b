import assert from "node:assert/strict";
import * as tandem from "../mod.ts";
import { readDocs } from "./support/docs.ts";

/** Everything that users meet, by kind. A name that leaves here breaks somebody. */
const SURFACE: Readonly<Record<string, readonly string[]>> = {
  class: [
    "OpenStore",
    "RuntimeError",
  ],
  function: [
    "createSite",
    "flush",
    "openStore",
    "rpc",
    "serve",
    "slots",
  ],
  interface: [
    "BoxStatus",
    "DeadLetter",
    "FanOut",
    "FanOutOptions",
    "FanOutResult",
    "Globals",
    "Log",
    "PageContext",
    "PageOutput",
    "PageletOptions",
    "PageletPart",
    "PageletTask",
    "Pagelets",
    "PagesOptions",
    "PeersOptions",
    "PoolOptions",
    "PoolStatus",
    "PostsAdmin",
    "PostsFigures",
    "PostsOptions",
    "PostsStatus",
    "RequestInitOptions",
    "ResolvedOptions",
    "ResolvedWorker",
    "RpcClientOptions",
    "RpcContext",
    "RpcOptions",
    "RunningBox",
    "ServeOptions",
    "ServerInfo",
    "Session",
    "SessionContext",
    "Site",
    "SiteOptions",
    "SiteStoreOptions",
    "SlotsLayout",
    "StartupContext",
    "Store",
    "StoreEntry",
    "StoreGetOptions",
    "StoreInfo",
    "StoreListOptions",
    "StoreOptions",
    "StorePrimeOptions",
    "StoreScope",
    "StoreSetOptions",
    "TandemEnv",
    "TandemVariables",
    "TaskStatus",
    "ThreadContext",
    "ThreadLoopContext",
    "ThreadLoopOptions",
    "ThreadOptions",
    "ThreadStatus",
    "WorkerEnd",
    "WorkerOptions",
    "WorkerStatus",
    "WritableGlobals",
    "Xbox",
    "XboxContext",
    "XboxOptions",
    "XboxPostOptions",
    "XboxResult",
    "XboxScope",
    "XboxTask",
  ],
  namespace: [
    "pcntl",
    "resources",
    "tree",
  ],
  typeAlias: [
    "DocumentLocation",
    "ErrorCode",
    "LogLevel",
    "PageletBody",
    "PageletStatus",
    "PrimeEntry",
    "PrimeSource",
    "ResolvedPool",
    "ResolvedThreadLoop",
    "RpcClient",
    "SessionPolicy",
    "StoreKey",
    "StoreKeyPart",
    "ThreadType",
    "XboxStatus",
  ],
};

Deno.test("mod.ts exports these values, and no default", () => {
  const found = Object.entries(tandem).map(([name, value]) => [name, typeof value, isClass(value)]);
  const expected = [
    ...SURFACE.class!.map((name) => [name, "function", true]),
    ...SURFACE.function!.map((name) => [name, "function", false]),
    ...SURFACE.namespace!.map((name) => [name, "object", false]),
  ];
  const byName = ([a]: unknown[], [b]: unknown[]) => String(a) < String(b) ? -1 : 1;
  assert.deepEqual(found.sort(byName), expected.sort(byName));
});

Deno.test("mod.ts exports these classes, functions and types", async () => {
  const { symbols } = await readDocs("mod.ts");
  const found = Map.groupBy(
    symbols.flatMap(({ name, declarations }) => declarations.map(({ kind }) => ({ kind, name }))),
    ({ kind }) => kind,
  );
  const names = [...found].map(([kind, all]) => [kind, all.map(({ name }) => name).sort()]);
  assert.deepEqual(Object.fromEntries(names), SURFACE);
});

function isClass(value: unknown): boolean {
  return typeof value === "function" && /^class\b/.test(Function.prototype.toString.call(value));
}
