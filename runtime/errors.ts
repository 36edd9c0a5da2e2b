/**
 * The errors that Tandem throws, and the form in which any error travels between isolates.
 *
 * An error that crosses a thread or process boundary becomes an {@linkcode ErrorRecord}: strings only,
 * each of them bounded, so that a record from an untrusted worker can be rebuilt without trusting it.
 *
 * @module
 */

/**
 * What went wrong, in a form that programs can compare.
 *
 * - `BAD_MESSAGE`: a worker sent something that is not part of the protocol, and was ended for it
 * - `BARRIER_BROKEN`: a barrier that somebody left before all had come
 * - `BARRIER_BUSY`: a barrier was to be reset while somebody waited at it
 * - `BOOT_FAILED`: a box could not come up; the message names the culprit, `cause` holds its error
 * - `CANCELLED`: the task was cancelled before it ended
 * - `DEADLINE_EXCEEDED`: the task did not end in the time that it had
 * - `DEPTH_EXCEEDED`: tasks that start tasks went deeper than the runtime follows
 * - `DISABLED`: the site has no such pool, or resources have no threads
 * - `DOCUMENT_INVALID`: a document does not export what its kind needs
 * - `E2BIG`: (this and the other `E…` names come from `pcntl`) arguments and environment of a program are too long
 * - `EACCES`: the system refuses access to a file, or a better priority
 * - `ECHILD`: there is no such child to wait for
 * - `EINTR`: a signal ended a wait
 * - `EINVAL`: an argument that the system has no meaning for
 * - `ELOOP`: a path has too many links
 * - `ENAMETOOLONG`: a path is too long
 * - `ENOENT`: there is no such program
 * - `ENOEXEC`: the file is no program
 * - `ENOSYS`: this backend cannot do it; the message says what can be done instead
 * - `ENOTDIR`: a part of a path is not a folder
 * - `EPERM`: the process belongs to somebody else
 * - `ESRCH`: there is no such process
 * - `ETXTBSY`: the program is being written
 * - `GLOBALS_SEALED`: a true global was to be set after the globals had been sealed
 * - `HOPS_EXCEEDED`: a message of a tree crossed more links than any tree has, and was dropped
 * - `INIT_EXITED`: the worker ended itself while it opened a session, so the request was not handled
 * - `INIT_FAILED`: the request init function threw, so the request was not handled
 * - `INIT_NOT_FOUND`: the request init document is not there any more
 * - `LOOPBACK`: a node of a tree was to send a message to itself
 * - `NODE_STOPPED`: a node of a tree was told to stop and takes no new work
 * - `NOT_STARTED`: resources were used in a thread that has neither started nor joined their manager
 * - `NO_REQUEST`: a resource that belongs to requests was asked for where no request runs
 * - `PEER_BAD_ANSWER`: another box answered what is no answer, or none that can be believed
 * - `PEER_DENIED`: a message named a box that its sender, or this box, may not reach
 * - `PEER_LOST`: the connection to another box ended before its answer was whole; it may have done the work
 * - `PEER_STUCK`: a neighbour in a tree does not answer
 * - `PEER_UNAUTHORISED`: another box does not accept this one's credential
 * - `PEER_VERSION`: another box speaks another version of the wire format
 * - `PERMISSION_ESCALATION`: a worker was to get a permission that the box itself does not have
 * - `PERMISSION_MISSING`: the box lacks a permission or flag that the message names
 * - `QUEUE_FULL`: the pool's queue holds as much as it may
 * - `QUEUE_TIMEOUT`: the task waited in the queue for longer than allowed and was not run
 * - `REQUEST_ENDED`: a resource was asked for by work that outlived its request
 * - `RESOURCE_MISSING`: a thread has no constructor for a resource that other threads have
 * - `RESULT_TOO_LARGE`: a result is above the limit of its pool
 * - `SITE_SEALED`: the site has booted and can no longer be changed
 * - `STOPPING`: the box is stopping and takes no new work
 * - `STORE_CLOSED`: the store was used after it was closed
 * - `STORE_DENIED`: the worker's store scope does not cover the key
 * - `STORE_FAILED`: the engine below the store failed; `cause` holds its error
 * - `THREAD_EXITED`: the worker ended before it answered
 * - `THREAD_STUCK`: the worker does not answer and cannot be stopped; it burns a core until the process ends
 * - `UNREACHABLE_PEER`: another box could not be reached, or there is none of that name; it has done nothing
 */
export type ErrorCode =
  | "BAD_MESSAGE"
  | "BARRIER_BROKEN"
  | "BARRIER_BUSY"
  | "BOOT_FAILED"
  | "CANCELLED"
  | "DEADLINE_EXCEEDED"
  | "DEPTH_EXCEEDED"
  | "DISABLED"
  | "DOCUMENT_INVALID"
  | "E2BIG"
  | "EACCES"
  | "ECHILD"
  | "EINTR"
  | "EINVAL"
  | "ELOOP"
  | "ENAMETOOLONG"
  | "ENOENT"
  | "ENOEXEC"
  | "ENOSYS"
  | "ENOTDIR"
  | "EPERM"
  | "ESRCH"
  | "ETXTBSY"
  | "GLOBALS_SEALED"
  | "HOPS_EXCEEDED"
  | "INIT_EXITED"
  | "INIT_FAILED"
  | "INIT_NOT_FOUND"
  | "LOOPBACK"
  | "NODE_STOPPED"
  | "NOT_STARTED"
  | "NO_REQUEST"
  | "PEER_BAD_ANSWER"
  | "PEER_DENIED"
  | "PEER_LOST"
  | "PEER_STUCK"
  | "PEER_UNAUTHORISED"
  | "PEER_VERSION"
  | "PERMISSION_ESCALATION"
  | "PERMISSION_MISSING"
  | "QUEUE_FULL"
  | "QUEUE_TIMEOUT"
  | "REQUEST_ENDED"
  | "RESOURCE_MISSING"
  | "RESULT_TOO_LARGE"
  | "SITE_SEALED"
  | "STOPPING"
  | "STORE_CLOSED"
  | "STORE_DENIED"
  | "STORE_FAILED"
  | "THREAD_EXITED"
  | "THREAD_STUCK"
  | "UNREACHABLE_PEER";

/**
 * The error class of the runtime. `code` says what happened, `cause` holds the error below it, if any.
 *
 * @example Usage
 * ```ts
 * import assert from "node:assert/strict";
 * import { RuntimeError } from "@tandem/tandem";
 *
 * const error = new RuntimeError("QUEUE_FULL", 'Cannot start pagelet "/ads": queue holds 64 of 64');
 * assert.equal(error.code, "QUEUE_FULL");
 * ```
 */
export class RuntimeError extends Error {
  /** What went wrong, in a form that programs can compare. */
  readonly code: ErrorCode;

  /** Makes an error of `code` with a message for people and, if there is one, the error that caused it. */
  constructor(code: ErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "RuntimeError";
    this.code = code;
  }
}

/** An error as it travels: strings only, no longer than {@linkcode RECORD_LIMITS} says. */
export interface ErrorRecord {
  /** The error's `name`, which decides the class that it is rebuilt as. */
  name: string;
  /** The message. */
  message: string;
  /** The `code` property, if it is a string. */
  code?: string;
  /** Where it was made. */
  stack?: string;
  /** The error that caused it. */
  cause?: ErrorRecord;
}

/** Bounds of a record, in characters and in links of the cause chain. */
export const RECORD_LIMITS = Object.freeze({ text: 4096, stack: 8192, causes: 4 });

const CODES: Readonly<Record<ErrorCode, true>> = {
  BAD_MESSAGE: true,
  BARRIER_BROKEN: true,
  BARRIER_BUSY: true,
  BOOT_FAILED: true,
  CANCELLED: true,
  DEADLINE_EXCEEDED: true,
  DEPTH_EXCEEDED: true,
  DISABLED: true,
  DOCUMENT_INVALID: true,
  E2BIG: true,
  EACCES: true,
  ECHILD: true,
  EINTR: true,
  EINVAL: true,
  ELOOP: true,
  ENAMETOOLONG: true,
  ENOENT: true,
  ENOEXEC: true,
  ENOSYS: true,
  ENOTDIR: true,
  EPERM: true,
  ESRCH: true,
  ETXTBSY: true,
  GLOBALS_SEALED: true,
  HOPS_EXCEEDED: true,
  INIT_EXITED: true,
  INIT_FAILED: true,
  INIT_NOT_FOUND: true,
  LOOPBACK: true,
  NODE_STOPPED: true,
  NOT_STARTED: true,
  NO_REQUEST: true,
  PEER_BAD_ANSWER: true,
  PEER_DENIED: true,
  PEER_LOST: true,
  PEER_STUCK: true,
  PEER_UNAUTHORISED: true,
  PEER_VERSION: true,
  PERMISSION_ESCALATION: true,
  PERMISSION_MISSING: true,
  QUEUE_FULL: true,
  QUEUE_TIMEOUT: true,
  REQUEST_ENDED: true,
  RESOURCE_MISSING: true,
  RESULT_TOO_LARGE: true,
  SITE_SEALED: true,
  STOPPING: true,
  STORE_CLOSED: true,
  STORE_DENIED: true,
  STORE_FAILED: true,
  THREAD_EXITED: true,
  THREAD_STUCK: true,
  UNREACHABLE_PEER: true,
};

const CLASSES: Record<string, new (message: string, options?: ErrorOptions) => Error> = {
  Error,
  EvalError,
  RangeError,
  ReferenceError,
  SyntaxError,
  TypeError,
  URIError,
};

/**
 * Turns whatever was thrown into a record; what is no error becomes one with its text as message, and
 * what cannot be read is left out. It never throws.
 */
export function toErrorRecord(thrown: unknown, depth = 0): ErrorRecord {
  if (!isError(thrown)) {
    return { name: "Error", message: clip(describeThrown(thrown), RECORD_LIMITS.text) };
  }
  const record: ErrorRecord = {
    name: clip(safeText(() => thrown.name), 128),
    message: clip(safeText(() => thrown.message), RECORD_LIMITS.text),
  };
  const code = attempt(() => (thrown as { code?: unknown }).code);
  if (typeof code === "string") record.code = clip(code, 128);
  const stack = attempt(() => thrown.stack);
  if (typeof stack === "string") record.stack = clip(stack, RECORD_LIMITS.stack);
  const cause = depth < RECORD_LIMITS.causes ? attempt(() => thrown.cause) : undefined;
  if (cause !== undefined) record.cause = toErrorRecord(cause, depth + 1);
  return record;
}

/** Rebuilds an error: of the same class where the class is a known one, else an `Error` of that name. */
export function fromErrorRecord(record: ErrorRecord): Error {
  const options = record.cause === undefined ? {} : { cause: fromErrorRecord(record.cause) };
  const error = rebuild(record, options);
  if (record.stack !== undefined) {
    Object.defineProperty(error, "stack", {
      value: record.stack,
      writable: true,
      configurable: true,
    });
  }
  return error;
}

/**
 * Checks that `value`, which came from a worker, is an error record, and copies what is allowed of it.
 *
 * @returns The copy, or `undefined` when it is none.
 */
export function parseErrorRecord(value: unknown, depth = 0): ErrorRecord | undefined {
  if (typeof value !== "object" || value === null) return undefined;
  const { name, message, code, stack, cause } = value as Record<string, unknown>;
  if (typeof name !== "string" || typeof message !== "string") return undefined;
  const record: ErrorRecord = {
    name: clip(name, 128),
    message: clip(message, RECORD_LIMITS.text),
  };
  if (typeof code === "string") record.code = clip(code, 128);
  if (typeof stack === "string") record.stack = clip(stack, RECORD_LIMITS.stack);
  if (cause !== undefined && depth < RECORD_LIMITS.causes) {
    const parsed = parseErrorRecord(cause, depth + 1);
    if (parsed !== undefined) record.cause = parsed;
  }
  return record;
}

/** The message of whatever was thrown, for the end of a sentence. */
export function messageOf(thrown: unknown): string {
  return isError(thrown) ? safeText(() => thrown.message) : describeThrown(thrown);
}

/**
 * The HTTP status that stands for an error: 504 out of time, 503 not run or given up, 502 without an answer of
 * another box that can be used, 401 or 403 not allowed, 404 without a session to run in, else 500.
 */
export function statusOf(error: unknown): number {
  switch (error instanceof RuntimeError ? error.code : undefined) {
    case "DEADLINE_EXCEEDED":
    case "THREAD_STUCK":
      return 504;
    case "INIT_EXITED":
    case "INIT_NOT_FOUND":
      return 404;
    case "PEER_UNAUTHORISED":
      return 401;
    case "PEER_DENIED":
      return 403;
    case "PEER_BAD_ANSWER":
    case "PEER_LOST":
    case "PEER_VERSION":
      return 502;
    case "UNREACHABLE_PEER":
    case "CANCELLED":
    case "DEPTH_EXCEEDED":
    case "DISABLED":
    case "QUEUE_FULL":
    case "QUEUE_TIMEOUT":
    case "STOPPING":
      return 503;
    default:
      return 500;
  }
}

function rebuild(record: ErrorRecord, options: ErrorOptions): Error {
  const { name, message, code } = record;
  if (name === "RuntimeError") {
    return new RuntimeError(isErrorCode(code) ? code : "BAD_MESSAGE", message, options);
  }
  // A DOMException's `code` is a number derived from its name, so only these are rebuilt as one.
  if (name === "AbortError" || name === "TimeoutError" || name === "DataCloneError") {
    return new DOMException(message, name);
  }
  const Class = Object.hasOwn(CLASSES, name) ? CLASSES[name]! : denoError(name);
  // A class of one of the rooms: its base class and its code are what holds on both sides.
  const error = Class === null && isErrorCode(code)
    ? new RuntimeError(code, message, options)
    : new (Class ?? Error)(message, options);
  if (error.name !== name) setHidden(error, "name", name);
  if (code !== undefined && !(error instanceof RuntimeError)) setHidden(error, "code", code);
  return error;
}

function denoError(name: string): (new (message: string, options?: ErrorOptions) => Error) | null {
  const classes = Deno.errors as unknown as Record<string, typeof Error>;
  return Object.hasOwn(classes, name) ? classes[name]! : null;
}

function setHidden(error: Error, key: string, value: string): void {
  Object.defineProperty(error, key, { value, writable: true, configurable: true });
}

function describeThrown(thrown: unknown): string {
  return safeText(() => typeof thrown === "string" ? thrown : `thrown value: ${String(thrown)}`);
}

function isErrorCode(code: string | undefined): code is ErrorCode {
  return code !== undefined && Object.hasOwn(CODES, code);
}

function isError(thrown: unknown): thrown is Error {
  return attempt(() => thrown instanceof Error) === true;
}

function safeText(read: () => unknown): string {
  return attempt(() => String(read())) ?? "unreadable";
}

/** Reads what may be anything, a getter that throws included. */
function attempt<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch {
    return undefined;
  }
}

function clip(text: string, limit: number): string {
  return text.length > limit ? text.slice(0, limit) : text;
}
