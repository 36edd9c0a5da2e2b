/**
 * The engine of another process, as if it were one's own.
 *
 * @module
 */

import { fromErrorRecord, messageOf, RuntimeError } from "../../errors.ts";
import type { Engine, EngineLimits, Row, RowCheck, RowWatch, RowWrite } from "../engine.ts";
import type { KvKey } from "../keys.ts";
import { Pulse } from "../pulse.ts";
import { decodeReply, encodeRequest, type Reply, type Request } from "./frames.ts";
import { FrameLink, type Wire } from "./link.ts";

/** How an engine is reached. */
export interface ConnectOptions {
  /** How long a call may take, in milliseconds; the time without an owner counts. @default {5_000} */
  callTimeoutMs?: number;
}

/** Makes a connection to the owner. */
export type Dial = () => Promise<Wire>;

interface Call {
  doing: string;
  makeFrame: (id: number) => Uint8Array<ArrayBuffer>;
  since: number;
  isSent: boolean;
  answer: PromiseWithResolvers<Reply>;
}

interface Watched {
  keys: readonly KvKey[];
  pulse: Pulse;
}

/** An open connection whose owner has said what it takes. */
interface Greeted {
  link: FrameLink;
  welcome: Reply & { kind: "welcome" };
}

const CALL_TIMEOUT_MS = 5_000;
const FIRST_PAUSE_MS = 5;
const MAX_PAUSE_MS = 1_000;
const BATCH = 100;
const MAX_ID = 2 ** 32;
const ROW_OVERHEAD = 64; // what a row takes in an answer beside its bytes

/**
 * Connects to an engine through `dial`.
 *
 * @param name What the owner is called in errors.
 * @throws What `dial` throws, or `STORE_FAILED` if the owner does not answer as one.
 */
export async function connectBy(
  dial: Dial,
  name: string,
  { callTimeoutMs = CALL_TIMEOUT_MS }: ConnectOptions = {},
): Promise<Engine> {
  if (!(callTimeoutMs > 0 && callTimeoutMs < 2 ** 31)) {
    throw new RangeError(`Cannot use ${callTimeoutMs} as callTimeoutMs: it must be above 0`);
  }
  const greeted = await greet(dial, name, callTimeoutMs);
  return new RemoteEngine(dial, name, callTimeoutMs, greeted);
}

class RemoteEngine implements Engine {
  readonly kind = "served";
  readonly #dial: Dial;
  readonly #name: string;
  readonly #timeoutMs: number;
  readonly #calls = new Map<number, Call>(); // the oldest first
  readonly #watches = new Map<number, Watched>();
  readonly #listeners: ((keys: readonly KvKey[] | null) => void)[] = [];
  readonly #running: Promise<void>;
  #limits: EngineLimits;
  #frameBytes: number;
  #link: FrameLink | undefined;
  #heardAt = 0;
  #reason = "";
  #lastId = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #isClosed = false;
  #stop: () => void = () => {}; // ends a pause, or a greeting

  constructor(dial: Dial, name: string, timeoutMs: number, { link, welcome }: Greeted) {
    this.#dial = dial;
    this.#name = name;
    this.#timeoutMs = timeoutMs;
    this.#link = link;
    this.#limits = welcome.limits;
    this.#frameBytes = welcome.frameBytes;
    this.#running = this.#run(link);
  }

  get limits(): EngineLimits {
    return this.#limits;
  }

  async read(keys: readonly KvKey[]): Promise<Row[]> {
    const { rowBytes } = this.#limits;
    const most = Math.max(1, Math.floor(this.#frameBytes / (rowBytes + ROW_OVERHEAD)) - 1);
    const parts: Promise<Row[]>[] = [];
    for (let first = 0; first < keys.length; first += most) {
      parts.push(this.#readPart(keys.slice(first, first + most)));
    }
    return (await Promise.all(parts)).flat();
  }

  async commit(checks: readonly RowCheck[], writes: readonly RowWrite[]): Promise<string | null> {
    const reply = await this.#ask("commit", "committed", { kind: "commit", checks, writes });
    return reply.version;
  }

  async *scan(prefix: KvKey, after?: KvKey, batch = BATCH): AsyncGenerator<Row, undefined> {
    for (let last = after ?? null;;) {
      const { rows, isLast } = await this.#ask("scan rows", "page", {
        kind: "scan",
        prefix,
        after: last,
        rows: Math.max(1, Math.min(batch, BATCH)),
      });
      yield* rows;
      if (isLast) return;
      last = rows.at(-1)!.key;
    }
  }

  watch(keys: readonly KvKey[]): RowWatch {
    const id = this.#newId();
    const watched = { keys, pulse: new Pulse() };
    const frame = this.#checked(encodeRequest({ kind: "watch", id, keys }), "watch rows");
    if (this.#isClosed) watched.pulse.fail(this.#closed("watch rows"));
    else this.#watches.set(id, watched);
    this.#link?.send(frame);
    return {
      changed: () => watched.pulse.next(),
      close: () => {
        watched.pulse.end();
        if (!this.#watches.delete(id)) return;
        this.#link?.send(encodeRequest({ kind: "unwatch", id }));
      },
    };
  }

  onForeignCommit(listener: (keys: readonly KvKey[] | null) => void): void {
    this.#listeners.push(listener);
  }

  async close(): Promise<void> {
    if (!this.#isClosed) {
      this.#isClosed = true;
      clearTimeout(this.#timer);
      for (const [id, call] of this.#calls) this.#fail(id, call, this.#closed(call.doing));
      for (const { pulse } of this.#watches.values()) pulse.fail(this.#closed("watch rows"));
      this.#watches.clear();
      this.#link?.end();
      this.#stop();
    }
    await this.#running;
  }

  async #readPart(keys: readonly KvKey[]): Promise<Row[]> {
    const { rows } = await this.#ask("read rows", "rows", { kind: "read", keys });
    return keys.map((key, index) => ({ key, ...rows[index]! }));
  }

  async #ask<K extends Reply["kind"]>(
    doing: string,
    expected: K,
    request:
      | Omit<Request & { kind: "read" }, "id">
      | Omit<Request & { kind: "commit" }, "id">
      | Omit<Request & { kind: "scan" }, "id">,
  ): Promise<Reply & { kind: K }> {
    if (this.#isClosed) throw this.#closed(doing);
    const id = this.#newId();
    const answer = Promise.withResolvers<Reply>();
    const makeFrame = (id: number) => this.#checked(encodeRequest({ ...request, id }), doing);
    const call: Call = { doing, makeFrame, since: performance.now(), isSent: false, answer };
    if (this.#link !== undefined) this.#sendCall(this.#link, id, call);
    this.#calls.set(id, call);
    if (this.#timer === undefined) this.#watchTime(this.#timeoutMs);
    const reply = await answer.promise;
    if (reply.kind === expected) return reply as Reply & { kind: K };
    throw this.#failure(doing, `the owner answered with "${reply.kind}"`);
  }

  #checked(frame: Uint8Array<ArrayBuffer>, doing: string): Uint8Array<ArrayBuffer> {
    if (frame.length - 4 <= this.#frameBytes) return frame;
    throw new RangeError(
      `Cannot ${doing} of the store at ${this.#name}: that takes ${frame.length} bytes, ` +
        `at most ${this.#frameBytes} are allowed`,
    );
  }

  #sendCall(link: FrameLink, id: number, call: Call): void {
    link.send(call.makeFrame(id));
    call.isSent = true;
  }

  /** Follows one connection after the other until it is closed. */
  async #run(first: FrameLink): Promise<void> {
    for (let link: FrameLink | undefined = first; link !== undefined;) {
      this.#lose(link, await this.#follow(link));
      const greeted = await this.#reconnect();
      if (greeted !== undefined) this.#resume(greeted);
      link = greeted?.link;
    }
  }

  /** Takes what comes until the connection ends, and says why it has. */
  async #follow(link: FrameLink): Promise<string> {
    try {
      for (let frame; (frame = await link.next()) !== null;) {
        this.#heardAt = performance.now();
        const reply = decodeReply(frame);
        if (reply.kind === "goodbye") return `the owner has ended the connection: ${reply.reason}`;
        this.#take(reply);
      }
      return this.#reason || "the owner is gone";
    } catch (error) {
      return messageOf(error);
    }
  }

  #take(reply: Reply): void {
    if (reply.kind === "foreign") return this.#tell(reply.keys);
    if (reply.kind === "pulse") return this.#watches.get(reply.id)?.pulse.raise();
    const call = this.#calls.get(reply.id);
    if (call !== undefined) {
      if (reply.kind === "failed") return this.#fail(reply.id, call, fromErrorRecord(reply.error));
      this.#calls.delete(reply.id);
      return call.answer.resolve(reply);
    }
    if (reply.kind !== "failed") return; // of a call that was given up
    this.#watches.get(reply.id)?.pulse.fail(fromErrorRecord(reply.error));
    this.#watches.delete(reply.id);
  }

  #lose(link: FrameLink, reason: string): void {
    link.end();
    this.#link = undefined;
    this.#reason = reason;
    for (const [id, call] of this.#calls) {
      if (call.isSent) this.#fail(id, call, this.#failure(call.doing, reason));
    }
  }

  async #reconnect(): Promise<Greeted | undefined> {
    for (
      let pauseMs = FIRST_PAUSE_MS;
      !this.#isClosed;
      pauseMs = Math.min(2 * pauseMs, MAX_PAUSE_MS)
    ) {
      await this.#pause(pauseMs * (0.5 + Math.random() / 2));
      if (this.#isClosed) return undefined;
      try {
        const greeted = await greet(this.#dial, this.#name, this.#timeoutMs, (stop) => {
          if (this.#isClosed) stop();
          else this.#stop = stop;
        });
        if (!this.#isClosed) return greeted;
        greeted.link.end();
      } catch (error) {
        this.#reason = messageOf(error);
      }
    }
    return undefined;
  }

  #resume({ link, welcome }: Greeted): void {
    this.#link = link;
    this.#limits = welcome.limits;
    this.#frameBytes = welcome.frameBytes;
    this.#reason = "";
    // Before the calls, so that what is read after a pulse is not older than the watch.
    for (const [id, { keys }] of this.#watches) {
      link.send(encodeRequest({ kind: "watch", id, keys }));
    }
    for (const [id, call] of this.#calls) {
      try {
        this.#sendCall(link, id, call);
      } catch (error) {
        this.#fail(id, call, error);
      }
    }
    this.#tell(null);
    for (const { pulse } of this.#watches.values()) pulse.raise();
  }

  #tell(keys: readonly KvKey[] | null): void {
    for (const listener of this.#listeners) listener(keys);
  }

  #fail(id: number, call: Call, error: unknown): void {
    this.#calls.delete(id);
    call.answer.reject(error);
  }

  #watchTime(inMs: number): void {
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      const now = performance.now();
      for (const [id, call] of this.#calls) {
        const left = call.since + this.#timeoutMs - now;
        if (left > 0) return this.#watchTime(left);
        this.#fail(id, call, this.#late(call));
      }
    }, inMs);
  }

  #late({ doing, isSent, since }: Call): RuntimeError {
    const found = `there was no answer within ${this.#timeoutMs} ms`;
    if (!isSent) return this.#failure(doing, `${found}: ${this.#reason}`);
    if (this.#heardAt < since) {
      // Nothing at all was heard: it hangs, or was stopped.
      if (this.#link !== undefined) {
        this.#lose(this.#link, `the owner was silent for ${this.#timeoutMs} ms`);
      }
    }
    return this.#failure(doing, found);
  }

  #failure(doing: string, reason: string): RuntimeError {
    return new RuntimeError(
      "STORE_FAILED",
      `Cannot ${doing} of the store at ${this.#name}: ${reason}`,
    );
  }

  #closed(doing: string): RuntimeError {
    return new RuntimeError(
      "STORE_CLOSED",
      `Cannot ${doing} of the store at ${this.#name}: the connection was closed`,
    );
  }

  async #pause(ms: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, ms);
    this.#stop = resolve;
    await promise;
    clearTimeout(timer);
  }

  #newId(): number {
    do this.#lastId = (this.#lastId + 1) % MAX_ID; while (
      this.#calls.has(this.#lastId) || this.#watches.has(this.#lastId)
    );
    return this.#lastId;
  }
}

/** Connects and waits for the owner's welcome; `onStart` is given what ends it early. */
async function greet(
  dial: Dial,
  name: string,
  timeoutMs: number,
  onStart: (stop: () => void) => void = () => {},
): Promise<Greeted> {
  const link = new FrameLink(await dial());
  let found = "the owner has ended the connection";
  const timer = setTimeout(() => {
    found = `the owner has not answered for ${timeoutMs} ms`;
    link.end();
  }, timeoutMs);
  onStart(() => link.end());
  try {
    link.send(encodeRequest({ kind: "hello", id: 0 }));
    const frame = await link.next();
    const reply = frame === null ? undefined : decodeReply(frame);
    if (reply?.kind === "welcome") {
      link.frameBytes = reply.frameBytes;
      return { link, welcome: reply };
    }
    if (reply !== undefined) {
      found = reply.kind === "goodbye" ? reply.reason : `the owner began with "${reply.kind}"`;
    }
    throw new Error(found);
  } catch (error) {
    link.end();
    throw new RuntimeError(
      "STORE_FAILED",
      `Cannot reach the store at ${name}: ${messageOf(error)}`,
      { cause: error },
    );
  } finally {
    clearTimeout(timer);
  }
}
