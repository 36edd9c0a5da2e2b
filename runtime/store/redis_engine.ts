/**
 * Rows in Redis, or in what speaks its language, such as Valkey: for boxes on several machines.
 *
 * One connection carries the calls, a second one the news of commits once somebody wants them. Both
 * come back by themselves when they are lost. What a commit does is done by a script inside Redis,
 * so that others see all of it or nothing. Keys are not spread over the slots of a Redis Cluster.
 *
 * @module
 */

import { Buffer } from "node:buffer";
import { messageOf, RuntimeError } from "../errors.ts";
import type { Engine, Row, RowCheck, RowWatch, RowWrite } from "./engine.ts";
import { keyFromBytes, keyToBytes } from "./key_bytes.ts";
import type { KvKey } from "./keys.ts";
import { RedisFeed } from "./redis_feed.ts";
import { describe, type LinkTimes, type RedisClient, RedisLink } from "./redis_link.ts";
import {
  COMMIT,
  packCommit,
  packKeys,
  READ,
  SCAN,
  type Script,
  VERSION_BYTES,
  WRITER_BYTES,
} from "./redis_scripts.ts";
import { parseRedisUrl, type RedisAddress } from "./redis_url.ts";

type Library = typeof import("../deps/redis.ts");

const BATCH = 100;
const ANSWER_BYTES = 4 * 1024 * 1024;
const KEYS_PER_READ = 500;
const FEW_KEYS = 8; // rows of full size that make no large answer
const READS_TOGETHER = 4;
const END_OF_PREFIX = 0xff;
const RESP_BULK = 0x24; // "$" on the wire: what is to stay bytes

/**
 * Opens an engine on a Redis, which answers by then and takes writes.
 *
 * @param url `redis://[user:password@]host[:port][/database][?namespace=name]`, or `rediss:` with TLS.
 * @throws {TypeError} If that cannot be read.
 * @throws {RuntimeError} `PERMISSION_MISSING` or `STORE_FAILED`; no message holds a password.
 */
export async function openRedisEngine(
  url: string,
  times?: Partial<LinkTimes>,
): Promise<Engine> {
  const address = parseRedisUrl(url);
  const library = await import("../deps/redis.ts");
  const engine = new RedisEngine(address, library, times);
  try {
    await engine.open();
    return engine;
  } catch (error) {
    await engine.close();
    throw explain(error, address, library);
  }
}

class RedisEngine implements Engine {
  readonly kind = "redis";
  // Rows of a scan's and a commit's share of Redis's time, which it gives to one at a time.
  readonly limits = {
    rowBytes: 512 * 1024,
    commitBytes: 4 * 1024 * 1024,
    commitKeyBytes: 1024 * 1024,
    commitRows: 500,
  };
  readonly #library: Library;
  readonly #names: { index: string; expiries: string; rows: string; channel: string };
  readonly #link: RedisLink;
  readonly #feedLink: RedisLink;
  readonly #feed: RedisFeed;
  readonly #writer = newWriter();
  #commits = 0;
  #closed = false;

  constructor(address: RedisAddress, library: Library, times?: Partial<LinkTimes>) {
    const { name, namespace, database } = address;
    this.#library = library;
    this.#names = {
      index: `${namespace}:index`,
      expiries: `${namespace}:expiries`,
      rows: `${namespace}:row:`,
      channel: `${namespace}:${database}:commits`, // channels are the same in all databases
    };
    const make = () => newClient(library, address);
    this.#link = new RedisLink({ name, times, make, prepare: prepareCalls });
    this.#feed = new RedisFeed(this.#writer, () => this.#feedLink.start());
    this.#feedLink = new RedisLink({
      name,
      times,
      make,
      asks: true,
      prepare: async (client) => {
        await client.subscribe(this.#names.channel, (message) => this.#feed.take(message), true);
      },
      onUp: () => this.#feed.gap(),
      onFailure: (error) => {
        // It may not listen, which does not get better; all else may.
        if (error instanceof library.ErrorReply) this.#feed.fail(explain(error, address, library));
      },
    });
  }

  /** Connects for the first time, and finds out whether it may write. */
  async open(): Promise<void> {
    await this.#link.open();
    // A commit, since it takes more rights than a write: one that lacks them would be half done.
    const key = ["tandem", "probe"];
    const value = new Uint8Array();
    await this.commit([], [{ key, value, expireInMs: 1 }, { key, value }, { key, value: null }]);
  }

  async read(keys: readonly KvKey[]): Promise<Row[]> {
    const rows: Row[] = [];
    for (let first = 0; first < keys.length;) {
      const groups: Promise<Row[]>[] = [];
      for (; first < keys.length && groups.length < READS_TOGETHER; first += KEYS_PER_READ) {
        groups.push(this.#readGroup(keys.slice(first, first + KEYS_PER_READ)));
      }
      for (const group of await Promise.all(groups)) {
        for (const row of group) rows.push(row);
      }
    }
    return rows;
  }

  async commit(checks: readonly RowCheck[], writes: readonly RowWrite[]): Promise<string | null> {
    const version = this.#writer +
      (++this.#commits).toString(36).padStart(VERSION_BYTES - WRITER_BYTES, "0");
    const { index, expiries, rows, channel } = this.#names;
    const input = packCommit(version, checks, writes);
    const done = await this.#eval<number>(COMMIT, [index, expiries], [rows, channel, input]);
    return done === 1 ? version : null;
  }

  async *scan(prefix: KvKey, after?: KvKey, batch = BATCH): AsyncGenerator<Row, undefined> {
    const { index, expiries, rows } = this.#names;
    const start = keyToBytes(prefix);
    const end = bound("(", start, END_OF_PREFIX);
    let from = after === undefined ? bound("[", start) : bound("(", keyToBytes(after));
    const most = String(Math.max(1, Math.min(batch, KEYS_PER_READ)));
    while (true) {
      const [last, found] = await this.#eval<[last: Buffer, found: Buffer[]]>(
        SCAN,
        [index, expiries],
        [rows, from, end, most, String(ANSWER_BYTES)],
      );
      for (let at = 0; at < found.length; at += 2) {
        yield toRow(keyFromBytes(found[at]!), found[at + 1]!);
      }
      if (last.length === 0) return;
      from = bound("(", last);
    }
  }

  watch(keys: readonly KvKey[]): RowWatch {
    if (this.#closed) throw closedError();
    return this.#feed.watch(keys);
  }

  onForeignCommit(listener: (keys: readonly KvKey[] | null) => void): Promise<void> {
    if (this.#closed) throw closedError();
    this.#feed.listen(listener);
    return this.#feed.heard;
  }

  async close(): Promise<void> {
    if (!this.#closed) this.#feed.close(closedError());
    this.#closed = true;
    await Promise.all([this.#link.close(), this.#feedLink.close()]);
  }

  async #readGroup(keys: readonly KvKey[]): Promise<Row[]> {
    const { rows } = this.#names;
    const names = keys.map(keyToBytes);
    const found: (Buffer | null)[] = [];
    if (names.length <= FEW_KEYS) {
      const command = ["MGET", ...names.map((name) => Buffer.concat([Buffer.from(rows), name]))];
      found.push(...await this.#call<(Buffer | null)[]>(command));
    }
    while (found.length < names.length) {
      const input = packKeys(names.slice(found.length));
      const budget = String(ANSWER_BYTES);
      const more = await this.#eval<(Buffer | null)[]>(READ, [], [rows, budget, input]);
      for (const row of more) found.push(row);
    }
    return keys.map((key, index) => toRow(key, found[index]!));
  }

  /** Runs a script by its name, or by its text where Redis has forgotten it. */
  async #eval<T>(
    { sha, source }: Script,
    keys: readonly string[],
    args: readonly (string | Buffer)[],
  ): Promise<T> {
    const rest = [String(keys.length), ...keys, ...args];
    return await this.#link.run(async (client) => {
      try {
        return await this.#send<T>(client, ["EVALSHA", sha, ...rest]);
      } catch (error) {
        if (!(error instanceof Error) || !error.message.startsWith("NOSCRIPT")) throw error;
        return await this.#send<T>(client, ["EVAL", source, ...rest]);
      }
    });
  }

  #call<T>(command: readonly (string | Buffer)[]): Promise<T> {
    return this.#link.run((client) => this.#send<T>(client, command));
  }

  async #send<T>(client: RedisClient, command: readonly (string | Buffer)[]): Promise<T> {
    try {
      return await client.sendCommand<T>(command);
    } catch (error) {
      if (!(error instanceof this.#library.ErrorReply)) throw error;
      // What was the primary is a replica now: the name may lead elsewhere.
      if (/READONLY/.test(error.message)) this.#link.renew(error);
      throw error;
    }
  }
}

function newClient({ createClient }: Library, address: RedisAddress): RedisClient {
  const { host, port, tls, username, password, database } = address;
  const socket = { host, port, connectTimeout: 5_000, reconnectStrategy: false as const };
  return createClient({
    RESP: 2,
    username,
    password,
    database,
    disableClientInfo: true,
    // The link has a watchdog for all calls; a timer for each would be dear.
    commandOptions: { timeout: 0, typeMapping: { [RESP_BULK]: Buffer } },
    socket: tls ? { ...socket, tls, servername: host } : socket,
  }) as unknown as RedisClient;
}

/** Leaves the scripts there, which shows that it is a Redis, and that it may be used. */
async function prepareCalls(client: RedisClient): Promise<void> {
  for (const { source, sha } of [COMMIT, SCAN, READ]) {
    const loaded = await client.sendCommand(["SCRIPT", "LOAD", source]);
    if (String(loaded) !== sha) throw new Error("it answers as no Redis does");
  }
}

function explain(error: unknown, address: RedisAddress, library: Library): RuntimeError {
  const message = `Cannot open the store at ${JSON.stringify(address.name)}`;
  const cause = error instanceof RuntimeError && error.cause ? error.cause : error;
  if (cause instanceof Deno.errors.NotCapable) {
    return new RuntimeError(
      "PERMISSION_MISSING",
      `${message}: access is not granted, run with --allow-net=${address.netHost} ` +
        `(${messageOf(cause).replace(/\.$/, "")})`,
      { cause },
    );
  }
  let found = describe(cause);
  if (cause instanceof library.ErrorReply) {
    found = /^(WRONGPASS|NOAUTH)/.test(cause.message)
      ? `the user or the password is not accepted (${found})`
      : `it answers ${JSON.stringify(found)}`;
  }
  return new RuntimeError("STORE_FAILED", `${message}: ${found}`, { cause });
}

function bound(kind: "[" | "(", bytes: Uint8Array, ...more: number[]): Buffer {
  return Buffer.concat([Buffer.from(kind), bytes, new Uint8Array(more)]);
}

/** Copies: what came in one piece from the wire would be kept by the smallest of its rows. */
function toRow(key: KvKey, row: Buffer | null): Row {
  if (row === null) return { key, value: null, versionstamp: null };
  return {
    key,
    value: new Uint8Array(row.subarray(VERSION_BYTES)),
    versionstamp: row.toString("latin1", 0, VERSION_BYTES),
  };
}

function newWriter(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(WRITER_BYTES * 3 / 4));
  return Buffer.from(bytes).toString("base64url");
}

function closedError(): RuntimeError {
  return new RuntimeError("STORE_CLOSED", "Cannot watch rows: the store was closed");
}
