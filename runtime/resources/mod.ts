/**
 * Thread-specific resources: what is global in a program of many threads, and to whom it belongs.
 *
 * {@linkcode TrueGlobals} belong to the process, a resource of scope `thread` to each thread, and one of scope `request`
 * to each request. Threads share no objects: they agree on ids, and each makes its own instances.
 *
 * Nothing starts on import: one isolate calls {@linkcode startup}, workers {@linkcode join} or {@linkcode joinDesk}.
 *
 * @module
 */

export type { ResourceScope } from "./board.ts";
export { backupThread, type InstanceBackup, restoreThread, type ThreadBackup } from "./backup.ts";
export { type DeskCall, joinDesk } from "./desk_thread.ts";
export type { Enrolment } from "./desks.ts";
export {
  MissingResourceError,
  NoRequestError,
  RequestEndedError,
  TrueGlobalError,
} from "./errors.ts";
export {
  enroll,
  freeThread,
  invite,
  isMainThread,
  isShutdown,
  setErrorHandler,
  setNewThreadBeginHandler,
  setNewThreadEndHandler,
  setShutdownHandler,
  shutdown,
  startup,
  type StartupOptions,
  threadCount,
  threadStatistics,
} from "./lifecycle.ts";
export {
  addRequestHooks,
  type RequestHooks,
  type RequestScopeInit,
  runLoneRequest,
  runRequest,
  wantsRequests,
} from "./requests.ts";
export {
  allocateFastId,
  allocateId,
  findId,
  freeId,
  type ResourceOptions,
  settled,
} from "./register.ts";
export { resource, type ResourceId } from "./resource.ts";
export type { ResourceCtor, ResourceDtor } from "./definition.ts";
export { abandonThread, type Invitation, join, type ThreadStatistics } from "./threads.ts";
export { createGlobalsClient, TrueGlobals } from "./true_globals.ts";
