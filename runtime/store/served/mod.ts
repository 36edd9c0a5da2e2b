/**
 * One engine for all processes of a machine: its owner serves it, the others reach it through a Unix
 * socket. Only processes of the same user do, which trust each other with the store.
 *
 * The owner needs `--allow-read` and `--allow-write` for the socket's folder, a client for the socket,
 * and both `--allow-net=unix:` with the socket's whole path.
 *
 * @module
 */

import type { Engine } from "../engine.ts";
import { connectBy, type ConnectOptions } from "./client.ts";
import { type ServedEngine, serveOn } from "./server.ts";
import { dialAt, listenAt } from "./socket.ts";

export type { ConnectOptions, ServedEngine };

/** Where an engine is served. */
export interface ServeOptions {
  /** The socket's file, in a folder that nobody else reaches; it is made when it is missing. */
  path: string;
}

/**
 * Serves `engine` to processes that connect to `path`, and takes it over: it is closed with the service.
 * When this rejects, the engine is still the caller's. The socket of an owner that was killed is replaced.
 *
 * @throws {RangeError} If `path` is longer than the system takes.
 * @throws {RuntimeError} `PERMISSION_MISSING`, or `STORE_FAILED`; when another process serves there the
 * cause is a `Deno.errors.AddrInUse`.
 */
export async function serveEngine(engine: Engine, { path }: ServeOptions): Promise<ServedEngine> {
  return serveOn(engine, await listenAt(path));
}

/**
 * Connects to the engine that is served at `path`.
 *
 * When the owner goes, calls under way reject with `STORE_FAILED`, and what they did is unknown. It connects
 * again by itself, and later calls wait for that as long as a call may take. Afterwards every watch is
 * pulsed, and `onForeignCommit` says that any row may have changed.
 *
 * @throws {RangeError} If `path` is longer than the system takes.
 * @throws {RuntimeError} `PERMISSION_MISSING`, or `STORE_FAILED` if nobody serves there.
 */
export async function connectEngine(path: string, options?: ConnectOptions): Promise<Engine> {
  return await connectBy(() => dialAt(path), JSON.stringify(path), options);
}
