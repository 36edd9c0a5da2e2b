/**
 * The Unix socket of an engine that is served: who may listen there, and what is left of a dead owner.
 *
 * An owner holds a lock on a file beside the socket for as long as it lives; the system takes it away
 * from a process that was killed. So no two processes own a path, and none waits for a dead one.
 *
 * @module
 */

import { dirname, resolve } from "node:path";
import { messageOf, RuntimeError } from "../../errors.ts";
import type { Wire } from "./link.ts";
import type { Acceptor } from "./server.ts";

const MAX_PATH_BYTES = 103; // that of macOS, Linux takes four more
const PRIVATE_FILE = 0o600;
const PRIVATE_FOLDER = 0o700;

/**
 * Listens at `path`, in a folder that nobody else reaches and that is made when it is missing.
 *
 * @throws {RangeError} If the system cannot take so long a path.
 * @throws {RuntimeError} `PERMISSION_MISSING`, or `STORE_FAILED`, whose cause is `AddrInUse` when another
 * process serves there.
 */
export async function listenAt(path: string): Promise<Acceptor> {
  const at = absolute(path);
  let lock: Deno.FsFile | undefined;
  try {
    await makePrivate(dirname(at));
    lock = await takeLock(at);
    await removeDead(at);
    const listener = Deno.listen({ transport: "unix", path: at });
    try {
      await Deno.chmod(at, PRIVATE_FILE);
    } catch (error) {
      listener.close();
      throw error;
    }
    return acceptor(listener, lock, at);
  } catch (error) {
    lock?.close();
    throw explain(error, at, "serve", dirname(at));
  }
}

/**
 * Connects to whoever serves at `path`.
 *
 * @throws {RangeError} If the system cannot take so long a path.
 * @throws {RuntimeError} `PERMISSION_MISSING`, or `STORE_FAILED` when nobody serves there.
 */
export async function dialAt(path: string): Promise<Wire> {
  const at = absolute(path);
  try {
    return await Deno.connect({ transport: "unix", path: at });
  } catch (error) {
    throw explain(error, at, "reach", at);
  }
}

function absolute(path: string): string {
  if (Deno.build.os === "windows") {
    throw new TypeError(`Cannot use ${JSON.stringify(path)}: Deno has no Unix sockets on Windows`);
  }
  const at = resolve(path);
  const bytes = new TextEncoder().encode(at).length;
  if (bytes <= MAX_PATH_BYTES) return at;
  throw new RangeError(
    `Cannot use ${JSON.stringify(at)} as a socket: it takes ${bytes} bytes, ` +
      `at most ${MAX_PATH_BYTES} are allowed`,
  );
}

async function makePrivate(folder: string): Promise<void> {
  await Deno.mkdir(folder, { recursive: true, mode: PRIVATE_FOLDER });
  const { mode } = await Deno.stat(folder);
  // A socket is open to others for the moment before its mode is set: the folder must not be.
  if (mode === null || (mode & 0o077) === 0) return;
  throw new Error(
    `its folder is open to others (mode ${(mode & 0o777).toString(8)}), ` +
      "choose one of mode 700 or one that does not exist",
  );
}

async function takeLock(at: string): Promise<Deno.FsFile> {
  const path = lockPath(at);
  for (;;) {
    const file = await Deno.open(path, { create: true, write: true, mode: PRIVATE_FILE });
    try {
      if (!await file.tryLock(true)) throw inUse();
      if (await isSame(file, path)) return file;
    } catch (error) {
      file.close();
      throw error;
    }
    file.close(); // the last owner has just removed it
  }
}

async function isSame(file: Deno.FsFile, path: string): Promise<boolean> {
  try {
    const [own, found] = [await file.stat(), await Deno.stat(path)];
    return own.ino === found.ino && own.dev === found.dev;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

/** Removes the socket of an owner that is gone, and nothing else. */
async function removeDead(at: string): Promise<void> {
  try {
    const { isSocket } = await Deno.lstat(at);
    if (!isSocket) throw new Error("there is a file that is no socket");
    (await Deno.connect({ transport: "unix", path: at })).close();
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return;
    if (error instanceof Deno.errors.ConnectionRefused) return await Deno.remove(at);
    throw error;
  }
  throw inUse();
}

function acceptor(listener: Deno.UnixListener, lock: Deno.FsFile, at: string): Acceptor {
  return {
    accept: () => listener.accept(),
    async close() {
      listener.close(); // which removes the socket
      await Deno.remove(lockPath(at)).catch(() => {}); // the lock counts, not the file
      lock.close();
    },
  };
}

function lockPath(at: string): string {
  return `${at}.lock`;
}

function inUse(): Error {
  return new Deno.errors.AddrInUse("another process serves there");
}

function explain(error: unknown, at: string, doing: string, files: string): RuntimeError {
  const message = `Cannot ${doing} the store at ${JSON.stringify(at)}`;
  const found = messageOf(error).replace(/\.$/, "");
  if (error instanceof Deno.errors.NotCapable) {
    const flags = `--allow-read=${files} --allow-write=${files} --allow-net=unix:${at}`;
    return new RuntimeError(
      "PERMISSION_MISSING",
      `${message}: access is not granted, run with ${flags} (${found})`,
      { cause: error },
    );
  }
  return new RuntimeError(
    "STORE_FAILED",
    `${message}: ${doing === "reach" && reason(error) || found}`,
    {
      cause: error,
    },
  );
}

function reason(error: unknown): string | undefined {
  if (error instanceof Deno.errors.NotFound) return "nobody serves there";
  if (error instanceof Deno.errors.ConnectionRefused) return "who served there is gone";
  return undefined;
}
