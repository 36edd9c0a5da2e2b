/**
 * What carries messages between a thread's owner and what runs in the thread: a Worker of this process,
 * or whatever those above bring.
 *
 * @module
 */

import type { ThreadModules } from "./bootstrap.ts";

/** A message as it came. */
export type Carried = Pick<MessageEvent, "data" | "ports">;

/** What is to be started. */
export interface CarrierStart {
  /** Name for messages and logs. */
  name: string;
  /** What runs inside. */
  modules: ThreadModules;
  /** Deno's permission descriptor; it can only narrow what the box has. */
  permissions: Deno.PermissionOptions;
}

/** What a carrier tells its thread. After `terminate()` it tells nothing more. */
export interface CarrierEvents {
  /** A message has come; nothing in it has been checked. */
  onMessage(message: Carried): void;
  /** Nobody caught an error inside, or it has ended by a fault. */
  onFailed(why: string): void;
  /** What came is no message at all. */
  onViolation(what: string): void;
  /** It has ended by itself, while it opened a session or otherwise, with a code if it gave one. */
  onExit(why: string, isOpening: boolean, code?: number): void;
}

/** A running isolate, as far as its thread has to know. */
export interface Carrier {
  /** Whether `terminate()` ends also what never gives way. */
  readonly stops: boolean;
  /** Resolves when what it held is free again; without `terminate()` maybe never. */
  readonly gone: Promise<void>;
  /** Number of its process, if it has one of its own. */
  readonly pid?: number;
  /**
   * Sends a message, and moves what is in `transfer` where that can be.
   *
   * @throws {DOMException} `DataCloneError` if it cannot be sent; then nothing was.
   */
  post(message: unknown, transfer: Transferable[]): void;
  /** Ends it at once. */
  terminate(): void;
}

/**
 * Starts an isolate that runs the bootstrap module.
 *
 * @throws {RuntimeError} `PERMISSION_ESCALATION` if the permissions exceed the box's own.
 */
export type StartCarrier = (start: CarrierStart, events: CarrierEvents) => Carrier;
