/**
 * Tandem, an edge runtime for TypeScript on Deno: HHVM's server model with Hono at the front,
 * permission-scoped workers behind it and Deno KV below.
 *
 * A site is a set of plain modules, its documents. Pages start pagelets, which run side by side in
 * workers, send xbox messages, and share a store with service threads.
 *
 * Run as a program, this module is the command line: `deno run mod.ts serve site.ts`.
 *
 * @example Usage
 * ```ts
 * import assert from "node:assert/strict";
 * import { createSite, serve } from "@tandem/tandem";
 *
 * const site = createSite({ store: { url: ":memory:" } });
 * site.app.get("/", async (c) => {
 *   const visits = await c.var.store.get<number>("visits") ?? 0;
 *   await c.var.store.set("visits", visits + 1);
 *   return c.text(`visit ${visits + 1}`);
 * });
 *
 * await using box = await serve(site, { port: 0 });
 * assert.equal(await (await fetch(box.url)).text(), "visit 1");
 * ```
 *
 * @module
 */

import { main } from "./runtime/cli/main.ts";

export { createSite, type Site } from "./runtime/site.ts";
export { type RunningBox, serve, type ServeOptions } from "./runtime/box/serve.ts";
export type { BoxStatus } from "./runtime/box/box.ts";
export type { PoolStatus, TaskStatus, WorkerStatus } from "./runtime/pool/status.ts";
export type { ThreadStatus } from "./runtime/document/service_thread.ts";
export type { WorkerEnd } from "./runtime/pool/crew.ts";
export { rpc } from "./runtime/rpc/client.ts";
export { type ErrorCode, RuntimeError } from "./runtime/errors.ts";
export { flush, type PageContext, type PageOutput } from "./runtime/pagelet/flush.ts";
export { slots, type SlotsLayout } from "./runtime/pagelet/slots.ts";
/**
 * Thread-specific resources in the manner of PHP's TSRM: true globals, and instances that belong to a thread or to a
 * request.
 */
export * as resources from "./runtime/resources/mod.ts";
/** Process control in the manner of PHP's pcntl: signals, alarms, children, priorities. */
export * as pcntl from "./runtime/process/mod.ts";
/**
 * A tree of nodes, in workers and processes with their own permissions, that send each other messages by pid, alias, group or to all, and
 * report what was lost with a node that ended.
 */
export * as tree from "./runtime/router/mod.ts";
export { OpenStore, openStore, type StoreOptions } from "./runtime/store/mod.ts";
export type {
  ResolvedOptions,
  ResolvedPool,
  ResolvedThreadLoop,
  ResolvedWorker,
} from "./runtime/options.ts";
export type {
  DocumentLocation,
  PagesOptions,
  PeersOptions,
  PoolOptions,
  PostsOptions,
  RequestInitOptions,
  RpcOptions,
  SessionPolicy,
  SiteOptions,
  SiteStoreOptions,
  StoreScope,
  ThreadLoopOptions,
  ThreadOptions,
  WorkerOptions,
  XboxScope,
} from "./runtime/types/site.ts";
export type {
  Globals,
  ServerInfo,
  SessionContext,
  StartupContext,
  TandemEnv,
  TandemVariables,
  ThreadContext,
  ThreadLoopContext,
  ThreadType,
  WritableGlobals,
} from "./runtime/types/document.ts";
export type { RpcClient, RpcClientOptions, RpcContext } from "./runtime/types/rpc.ts";
export type { DeadLetter, PostsAdmin, PostsFigures, PostsStatus } from "./runtime/types/posts.ts";
export type { Log, LogLevel } from "./runtime/types/log.ts";
export type {
  PageletBody,
  PageletOptions,
  PageletPart,
  Pagelets,
  PageletStatus,
  PageletTask,
} from "./runtime/types/pagelet.ts";
export type {
  PrimeEntry,
  PrimeSource,
  Store,
  StoreEntry,
  StoreGetOptions,
  StoreInfo,
  StoreKey,
  StoreKeyPart,
  StoreListOptions,
  StorePrimeOptions,
  StoreSetOptions,
} from "./runtime/types/store.ts";
export type {
  FanOut,
  FanOutOptions,
  FanOutResult,
  Session,
  Xbox,
  XboxContext,
  XboxOptions,
  XboxPostOptions,
  XboxResult,
  XboxStatus,
  XboxTask,
} from "./runtime/types/xbox.ts";

if (import.meta.main) main(Deno.args);
