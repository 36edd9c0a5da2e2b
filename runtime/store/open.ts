/**
 * Opening the store's engine: where it may be, and an error that says what to do when it cannot be
 * opened.
 *
 * @module
 */

import { dirname } from "node:path";
import { messageOf, RuntimeError } from "../errors.ts";
import type { Engine } from "./engine.ts";
import { describeKey } from "./keys.ts";
import { KvEngine } from "./kv_engine.ts";
import { pause, whileLocked } from "./locked.ts";
import { withoutSecrets } from "./safe_url.ts";
import { connectEngine, serveEngine } from "./served/mod.ts";

/** What opens KV; tests put a stand-in here. */
export type KvOpener = (path?: string) => Promise<Deno.Kv>;

const ALLOWED =
  "allowed are a file's path, :memory:, the http(s) URL of a KV Connect server, and " +
  "redis:// and rediss:// URLs";
const REDIS = /^rediss?:/i;
const HANDOVER_MS = 5_000;
const SCHEME = /^[a-z][a-z0-9+.-]+:/i; // two characters at least: C:\ is a path

/**
 * Opens an engine.
 *
 * @throws {TypeError} If `url` is none of what is allowed.
 * @throws {RuntimeError} `PERMISSION_MISSING` or `STORE_FAILED`.
 */
export async function openEngine(url: string | undefined, open?: KvOpener): Promise<Engine> {
  checkUrl(url);
  if (url !== undefined && REDIS.test(url)) {
    const { openRedisEngine } = await import("./redis_engine.ts");
    return await openRedisEngine(url);
  }
  const kind = url === ":memory:" ? "memory" : url && SCHEME.test(url) ? "connect" : "file";
  return new KvEngine(await openKv(url, open), kind);
}

/** Whether data there belongs to one machine, whose processes should share one engine. */
export function isMachineWide(url: string | undefined): boolean {
  return url === undefined || url === ":memory:" || !SCHEME.test(url);
}

/**
 * Opens the engine that the processes of a machine share: whoever comes first opens it and serves it at
 * a socket, the others connect to that.
 *
 * @param socket The socket's file, in a folder that nobody else reaches; it is made when it is missing.
 * @throws {TypeError} If `url` is none of what is allowed.
 * @throws {RuntimeError} `PERMISSION_MISSING` or `STORE_FAILED`.
 */
export async function openSharedEngine(
  url: string | undefined,
  socket: string,
  open?: KvOpener,
): Promise<Engine> {
  const end = performance.now() + HANDOVER_MS;
  while (true) {
    const engine = await openEngine(url, open);
    try {
      return (await serveEngine(engine, { path: socket })).engine;
    } catch (error) {
      await engine.close();
      if (!((error as Error).cause instanceof Deno.errors.AddrInUse)) throw error;
    }
    try {
      return await connectEngine(socket);
    } catch (error) {
      // Whoever owns it does not listen yet, or no longer.
      const isOver = performance.now() > end || (error as RuntimeError).code !== "STORE_FAILED";
      if (isOver) throw error;
    }
    await pause(Infinity);
  }
}

/**
 * Opens KV and makes sure that it can be written, by a commit that leaves nothing behind.
 */
async function openKv(url: string | undefined, open = kvOpener()): Promise<Deno.Kv> {
  if (open === undefined) {
    throw new RuntimeError(
      "PERMISSION_MISSING",
      `Cannot open ${name(url)}: Deno.openKv is missing, run with --unstable-kv ` +
        `or put "unstable": ["kv"] into deno.json`,
    );
  }
  let kv: Deno.Kv | undefined;
  try {
    const opened = kv = await whileLocked(() => open(url));
    const key = ["tandem", "probe"];
    await whileLocked(() => opened.atomic().set(key, 1).delete(key).commit());
    return opened;
  } catch (error) {
    kv?.close();
    throw await explain(error, url);
  }
}

function kvOpener(): KvOpener | undefined {
  const { openKv } = Deno as { openKv?: KvOpener };
  return openKv;
}

function checkUrl(url: unknown): void {
  if (url === undefined || url === ":memory:") return;
  if (typeof url === "string" && url !== "") {
    const scheme = SCHEME.exec(url)?.[0].toLowerCase();
    if (scheme === undefined) return;
    if ((scheme === "http:" || scheme === "https:") && URL.canParse(url)) return;
    if (REDIS.test(url)) return; // looked at where it is opened
  }
  const shown = describeKey(typeof url === "string" ? withoutSecrets(url) : url);
  throw new TypeError(`Cannot open a store at ${shown}: ${ALLOWED}`);
}

async function explain(error: unknown, url: string | undefined): Promise<RuntimeError> {
  const message = `Cannot open ${name(url)}`;
  const told = messageOf(error);
  const found = hideSecrets(told, url).replace(/\.$/, "");
  // What came with secrets in it is not handed on either.
  const cause = hideSecrets(told, url) === told ? error : undefined;
  if (error instanceof Deno.errors.NotCapable) {
    const advice = url === undefined ? "" : `, run with ${flags(url)}`;
    return new RuntimeError(
      "PERMISSION_MISSING",
      `${message}: access is not granted${advice} (${found})`,
      { cause },
    );
  }
  const reason = await missingFolder(url) ?? found;
  return new RuntimeError("STORE_FAILED", `${message}: ${reason}`, { cause });
}

function flags(url: string): string {
  if (SCHEME.test(url)) return `--allow-net=${new URL(url).host}`;
  return `--allow-read=${url} --allow-write=${url}`;
}

/** SQLite does not say why it could not open a file, and the folder is the usual reason. */
async function missingFolder(url: string | undefined): Promise<string | undefined> {
  if (url === undefined || url === ":memory:" || SCHEME.test(url)) return undefined;
  const folder = dirname(url);
  try {
    if ((await Deno.stat(folder)).isDirectory) return undefined;
    return `${JSON.stringify(folder)} is no folder`;
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) return undefined;
    return `the folder ${JSON.stringify(folder)} does not exist, create it first`;
  }
}

function name(url: string | undefined): string {
  if (url === undefined) return "the default store";
  return `the store at ${JSON.stringify(withoutSecrets(url))}`;
}

function hideSecrets(text: string, url: string | undefined): string {
  if (url === undefined || !SCHEME.test(url)) return text;
  const shown = withoutSecrets(url);
  const forms = URL.canParse(url) ? [url, new URL(url).href] : [url];
  return forms.reduce(
    (hidden, form) => form === shown ? hidden : hidden.replaceAll(form, shown),
    text,
  );
}
