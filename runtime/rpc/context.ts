/**
 * What a function finds as `this`: the box, its session, and what it can do about its answer.
 *
 * @module
 */

import { given } from "../checks.ts";
import { RuntimeError } from "../errors.ts";
import type { Phases } from "../pool/entry/phases.ts";
import type { TaskRun } from "../pool/entry/runner.ts";
import type { Rooms } from "../thread/entry/rooms.ts";
import type { Globals, ServerInfo } from "../types/document.ts";
import type { Log } from "../types/log.ts";
import type { Pagelets } from "../types/pagelet.ts";
import type { RpcContext } from "../types/rpc.ts";
import type { Store } from "../types/store.ts";
import type { Session, Xbox } from "../types/xbox.ts";
import { isStatus, type RpcCall, STATUSES } from "./messages.ts";

/** What a {@linkcode CallContext} stands on. */
export interface CallParts {
  /** The task. */
  run: TaskRun;
  /** What was asked for. */
  call: RpcCall;
  /** The box. */
  rooms: Rooms;
  /** The session that the call belongs to. */
  session: Session;
  /** What runs after the function. */
  phases: Phases;
  /** Writes with the call's id. */
  log: Log;
  /** Lets the worker be replaced. */
  scheduleReset(): void;
}

const encoder = new TextEncoder();

/** The context of one call. Its parts are made when they are asked for. */
export class CallContext implements RpcContext {
  readonly #parts: CallParts;
  readonly #printed: string[] = [];
  #printedBytes = 0;
  #status = 200;
  #xbox: Xbox | undefined;
  #pagelets: Pagelets | undefined;

  constructor(parts: CallParts) {
    this.#parts = parts;
  }

  get store(): Store {
    return this.#parts.rooms.store();
  }

  get globals(): Globals {
    return this.#parts.rooms.globals();
  }

  get server(): ServerInfo {
    return this.#parts.rooms.server();
  }

  get session(): Session {
    return this.#parts.session;
  }

  get requestId(): string {
    return this.#parts.run.requestId;
  }

  get signal(): AbortSignal {
    return this.#parts.run.signal;
  }

  get log(): Log {
    return this.#parts.log;
  }

  get xbox(): Xbox {
    return this.#xbox ??= this.#parts.rooms.xbox(this.#scope());
  }

  get pagelets(): Pagelets {
    return this.#pagelets ??= this.#parts.rooms.pagelets(this.#scope());
  }

  print(text: string): void {
    const { output, maxBytes, name } = this.#parts.call;
    const piece = String(text);
    this.#printedBytes += byteLength(piece);
    if (this.#printedBytes > maxBytes) throw tooLarge(name, "what it prints", maxBytes);
    if (output === 1 || output === 2) this.#printed.push(piece);
  }

  status(code: number): void {
    if (!isStatus(code)) {
      throw new RangeError(
        `Cannot set the status: a whole number from ${STATUSES.lowest} to ${STATUSES.highest} is needed, and ${
          given(code)
        } was given`,
      );
    }
    this.#status = code;
  }

  scheduleReset(): void {
    this.#parts.scheduleReset();
  }

  onShutdown(fn: () => unknown): void {
    this.#parts.phases.onShutdown(fn);
  }

  onPostSend(fn: () => unknown): void {
    this.#parts.phases.onPostSend(fn);
  }

  onCleanup(fn: () => unknown): void {
    this.#parts.phases.onCleanup(fn);
  }

  waitUntil(promise: Promise<unknown>): void {
    this.#parts.phases.waitUntil(promise);
  }

  /** What was printed, and the status that was set. */
  static outcome(context: CallContext): { printed: string; status: number } {
    return { printed: context.#printed.join(""), status: context.#status };
  }

  #scope(): { taskId: number; requestId: string; signal: AbortSignal } {
    const { id: taskId, requestId, signal } = this.#parts.run;
    return { taskId, requestId, signal };
  }
}

/** The bytes of a text. */
export function byteLength(text: string): number {
  return encoder.encode(text).byteLength;
}

/** The error of an answer above the limit. */
export function tooLarge(name: string, what: string, maxBytes: number): RuntimeError {
  return new RuntimeError(
    "RESULT_TOO_LARGE",
    `Cannot answer the call of "${name}": ${what} is above maxResultBytes (${maxBytes})`,
  );
}
