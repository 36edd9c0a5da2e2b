/**
 * The process that owns an engine, and answers those that do not: one writes a file, in whose name
 * all do, so that none is starved by another.
 *
 * @module
 */

import { RuntimeError } from "../../errors.ts";
import type { Engine, EngineLimits, RowCheck, RowWrite } from "../engine.ts";
import type { KvKey } from "../keys.ts";
import { pause } from "../locked.ts";
import { encodeReply } from "./frames.ts";
import { Lanes } from "./lanes.ts";
import type { Wire } from "./link.ts";
import { type Host, Session } from "./session.ts";

/** Where connections come from. */
export interface Acceptor {
  /** Waits for the next one; rejects once it is closed. */
  accept(): Promise<Wire>;
  /** Takes no more of them, and leaves nothing behind. */
  close(): void | Promise<void>;
}

/** An engine that is served to others. */
export interface ServedEngine extends AsyncDisposable {
  /**
   * The same engine for the owner's own use: its commits take turns with those of the clients, and its
   * `onForeignCommit` tells what these have committed. Closing it closes all.
   */
  readonly engine: Engine;
  /** How many clients there are. */
  readonly clients: number;
  /** Ends the service when what is under way is done, and the engine; the clients are told. */
  close(): Promise<void>;
}

// Deno KV writes one commit at a time: more under way gain nothing, and cost those who ask for one.
const COMMITS_UNDER_WAY = 2;
const READS_UNDER_WAY = 32;
const MAX_CLIENTS = 256;
const MIN_FRAME_BYTES = 4 * 1024 * 1024;
const KEY_BYTES = 4096; // the row of a key, as it travels
const CLOSE_MS = 5_000;

/** Serves `engine`, which it takes over, to whoever comes from `acceptor`. */
export function serveOn(engine: Engine, acceptor: Acceptor): ServedEngine {
  return new Owner(engine, acceptor);
}

class Owner implements ServedEngine, Host {
  readonly engine: Engine;
  readonly frameBytes: number;
  readonly commits = new Lanes(COMMITS_UNDER_WAY);
  readonly reads = new Lanes(READS_UNDER_WAY);
  readonly #inner: Engine;
  readonly #acceptor: Acceptor;
  readonly #sessions = new Map<Session, Promise<void>>();
  readonly #listeners: ((keys: readonly KvKey[] | null) => void)[] = [];
  readonly #accepting: Promise<void>;
  #closing: Promise<void> | undefined;

  constructor(inner: Engine, acceptor: Acceptor) {
    this.#inner = inner;
    this.#acceptor = acceptor;
    this.frameBytes = frameBytes(inner.limits);
    this.engine = this.#ownFace();
    inner.onForeignCommit?.((keys) => this.#tell(keys));
    this.#accepting = this.#accept();
  }

  get clients(): number {
    return this.#sessions.size;
  }

  async commit(
    from: Session | undefined,
    checks: readonly RowCheck[],
    writes: readonly RowWrite[],
  ): Promise<string | null> {
    let version: string | null | undefined;
    try {
      return version = await this.#inner.commit(checks, writes);
    } finally {
      // When it failed nobody knows what it did. The others are told before the writer is answered.
      if (version !== null && writes.length > 0) {
        this.#tell(writes.map(({ key }) => key), from ?? this);
      }
    }
  }

  close(): Promise<void> {
    return this.#closing ??= this.#close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #close(): Promise<void> {
    await this.#acceptor.close();
    await this.#accepting;
    for (const session of this.#sessions.keys()) session.stop();
    // The engine itself waits for a locked file for so long at most.
    const { promise: late, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, CLOSE_MS);
    await Promise.race([Promise.all([this.commits.idle(), this.reads.idle()]), late]);
    clearTimeout(timer);
    await Promise.all([...this.#sessions.keys()].map((session) => session.end("it was closed")));
    await Promise.all(this.#sessions.values());
    await this.#inner.close();
  }

  async #accept(): Promise<void> {
    while (this.#closing === undefined) {
      let wire: Wire;
      try {
        wire = await this.#acceptor.accept();
      } catch {
        if (this.#closing !== undefined) return;
        await pause(Infinity); // too many open files, or one that was gone again
        continue;
      }
      if (this.#sessions.size >= MAX_CLIENTS) {
        wire.close();
        continue;
      }
      const session = new Session(wire, this);
      this.#sessions.set(session, this.#run(session));
    }
  }

  async #run(session: Session): Promise<void> {
    await session.run();
    this.#sessions.delete(session);
  }

  #tell(keys: readonly KvKey[] | null, from?: Session | this): void {
    const others = [...this.#sessions.keys()].filter((session) => session !== from);
    if (others.length > 0) {
      const frame = encodeReply({ kind: "foreign", id: 0, keys });
      for (const session of others) session.foreign(frame);
    }
    if (from !== this) { for (const listener of this.#listeners) listener(keys); }
  }

  #ownFace(): Engine {
    const inner = this.#inner;
    const lane = this.commits.open();
    const check = () => {
      if (this.#closing === undefined) return;
      throw new RuntimeError("STORE_CLOSED", "Cannot use the engine that was served: it is closed");
    };
    return {
      kind: inner.kind,
      limits: inner.limits,
      read: (keys) => inner.read(keys),
      scan: (prefix, after, batch) => inner.scan(prefix, after, batch),
      watch: (keys) => inner.watch(keys),
      // deno-lint-ignore require-await -- a call that comes too late rejects
      commit: async (checks, writes) => {
        check();
        const { promise, resolve, reject } = Promise.withResolvers<string | null>();
        lane.push(() => this.commit(undefined, checks, writes).then(resolve, reject));
        return promise;
      },
      onForeignCommit: (listener) => void this.#listeners.push(listener),
      close: () => this.close(),
    };
  }
}

/** As much as the largest commit takes, and the largest row. */
function frameBytes({ rowBytes, commitBytes, commitRows }: EngineLimits): number {
  const needed = Math.max(rowBytes, commitBytes) + (2 * commitRows + 1) * KEY_BYTES;
  return Math.max(MIN_FRAME_BYTES, needed);
}
