/**
 * A connection to Redis that comes back by itself, and calls on it that never wait for long.
 *
 * The client below is used for one connection at a time: when that is lost, so is the client, with
 * whatever was asked of it. Another one is made after a pause, which grows.
 *
 * @module
 */

import { messageOf, RuntimeError } from "../errors.ts";

/** What is used of the client's library. */
export interface RedisClient {
  connect(): Promise<unknown>;
  sendCommand<T>(args: readonly (string | Uint8Array)[]): Promise<T>;
  subscribe(
    channel: string,
    listener: (message: Uint8Array) => void,
    asBytes: true,
  ): Promise<unknown>;
  on(event: "error" | "end" | "connect", listener: (error: Error) => void): unknown;
  destroy(): void;
}

/** How a link is made. */
export interface LinkOptions {
  /** What it leads to, for messages: the URL without secrets. */
  name: string;
  /** Makes a client that is not connected and does not reconnect. */
  make: () => RedisClient;
  /** Readies a new connection; the link is not up before. */
  prepare: (client: RedisClient) => Promise<void>;
  /** Runs whenever it is up again, the first time included. */
  onUp?: () => void;
  /** Runs when a connection could not be made. */
  onFailure?: (error: unknown) => void;
  /** Whether to ask now and then if the other side is still there. */
  asks?: boolean;
  /** Limits of time; tests shorten them. */
  times?: Partial<LinkTimes>;
}

/** In milliseconds. */
export interface LinkTimes {
  /** How long it may take to connect. */
  connectMs: number;
  /** How long a call waits for a lost connection to be back. */
  waitMs: number;
  /** How long calls may be under way without one being answered. */
  answerMs: number;
  /** How long it may be silent before it is asked. */
  askMs: number;
}

const TIMES: LinkTimes = { connectMs: 5_000, waitMs: 2_000, answerMs: 5_000, askMs: 10_000 };
const MAX_CALLS = 20_000;
const FIRST_PAUSE_MS = 20;
const MAX_PAUSE_MS = 2_000;

/** One connection after the other. */
export class RedisLink {
  readonly #options: LinkOptions;
  readonly #times: LinkTimes;
  readonly #waiting = new Set<PromiseWithResolvers<RedisClient>>();
  readonly #reasons = new WeakMap<RedisClient, Error>(); // why clients were given up
  #client: RedisClient | undefined;
  #drop: ((reason: Error) => void) | undefined;
  #keeping: Promise<void> | undefined;
  #connecting: Promise<unknown> = Promise.resolve();
  #endPause: (() => void) | undefined;
  #closed = false;
  #failure: unknown = new Error("it is not connected");
  #downSince = performance.now();
  #calls = 0;
  #answered = 0; // when
  #watchdog: ReturnType<typeof setTimeout> | undefined;
  #question: ReturnType<typeof setTimeout> | undefined;

  constructor(options: LinkOptions) {
    this.#options = options;
    this.#times = { ...TIMES, ...options.times };
  }

  /** Connects, and goes on for ever if that succeeds. */
  async open(): Promise<void> {
    const first = await this.#connect();
    if (this.#closed) this.#drop!(closedError(this.#options.name));
    this.#keeping = this.#keep(first);
  }

  /** Connects as soon as that succeeds, and goes on for ever. */
  start(): void {
    this.#keeping ??= this.#keep();
  }

  /**
   * Runs calls on the connection. What is rejected may have been done all the same.
   *
   * @throws {RuntimeError} `STORE_FAILED`, `STORE_CLOSED` or `QUEUE_FULL`.
   */
  async run<T>(work: (client: RedisClient) => Promise<T>): Promise<T> {
    const { name } = this.#options;
    if (this.#closed) throw closedError(name);
    if (this.#calls >= MAX_CALLS) {
      throw new RuntimeError(
        "QUEUE_FULL",
        `Cannot use ${quote(name)}: ${MAX_CALLS} calls are under way`,
      );
    }
    if (this.#calls++ === 0) this.#answered = performance.now();
    let client: RedisClient | undefined;
    try {
      client = this.#client ?? await this.#untilUp();
      this.#watchdog ??= setTimeout(() => this.#watch(), this.#times.answerMs);
      return await work(client);
    } catch (error) {
      if (this.#closed) throw closedError(name);
      if (error instanceof RuntimeError) throw error;
      const cause = client && this.#reasons.get(client) || error;
      throw new RuntimeError("STORE_FAILED", `Cannot use ${quote(name)}: ${describe(cause)}`, {
        cause,
      });
    } finally {
      this.#calls--;
      this.#answered = performance.now();
    }
  }

  /** Gives up the connection, and makes another. */
  renew(reason: Error): void {
    if (this.#client !== undefined) this.#drop!(reason);
  }

  /** Ends it. Calls that are under way are rejected. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#drop?.(closedError(this.#options.name));
    this.#endPause?.();
    clearTimeout(this.#watchdog);
    clearTimeout(this.#question);
    for (const { reject } of this.#waiting) reject(this.#failure);
    await this.#keeping;
    await this.#connecting; // a client cannot be stopped from that, but it is bounded
  }

  async #keep(first?: { client: RedisClient; lost: Promise<Error> }): Promise<void> {
    let connection = first;
    for (let attempt = 0; !this.#closed; attempt++) {
      try {
        connection ??= await this.#connect();
        this.#rise(connection.client);
        attempt = 0;
        this.#failure = await connection.lost;
      } catch (error) {
        this.#failure = error;
        if (!this.#closed) this.#options.onFailure?.(error);
      }
      if (this.#client !== undefined) this.#downSince = performance.now();
      this.#client = connection = undefined;
      clearTimeout(this.#question);
      if (!this.#closed) await this.#pause(attempt);
    }
  }

  async #connect(): Promise<{ client: RedisClient; lost: Promise<Error> }> {
    const { make, prepare } = this.#options;
    const { connectMs } = this.#times;
    const client = make();
    const { promise: lost, resolve } = Promise.withResolvers<Error>();
    let dropped = false;
    const drop = this.#drop = (reason: Error) => {
      if (dropped) return;
      dropped = true;
      this.#reasons.set(client, reason);
      resolve(reason);
      client.destroy();
    };
    client.on("error", drop);
    client.on("end", () => drop(new Error("the connection was closed")));
    // Given up while it was being made, it has come about all the same.
    client.on("connect", () => dropped && client.destroy());
    const timer = setTimeout(() => drop(new Error(`no answer in ${connectMs} ms`)), connectMs);
    const connecting = client.connect();
    this.#connecting = connecting.catch(() => {});
    try {
      const ready = connecting.then(() => prepare(client));
      await Promise.race([lost.then((reason) => Promise.reject(reason)), ready]);
      return { client, lost };
    } catch (error) {
      drop(error as Error);
      throw this.#reasons.get(client);
    } finally {
      clearTimeout(timer);
    }
  }

  #rise(client: RedisClient): void {
    this.#client = client;
    this.#answered = performance.now();
    for (const { resolve } of this.#waiting) resolve(client);
    this.#waiting.clear();
    this.#options.onUp?.();
    if (this.#options.asks) this.#ask();
  }

  /** Waits for the connection, unless it has been away for long. */
  async #untilUp(): Promise<RedisClient> {
    const patience = this.#downSince + this.#times.waitMs - performance.now();
    if (patience <= 0) throw this.#failure;
    const waiting = Promise.withResolvers<RedisClient>();
    this.#waiting.add(waiting);
    const timer = setTimeout(() => waiting.reject(this.#failure), patience);
    try {
      return await waiting.promise;
    } finally {
      clearTimeout(timer);
      this.#waiting.delete(waiting);
    }
  }

  /** Answers come in the order of calls: where none comes, the connection is dead. */
  #watch(): void {
    this.#watchdog = undefined;
    if (this.#calls === 0) return;
    const { answerMs } = this.#times;
    const left = this.#answered + answerMs - performance.now();
    if (left > 0) this.#watchdog = setTimeout(() => this.#watch(), left);
    else this.renew(new Error(`no answer in ${answerMs} ms`));
  }

  #ask(): void {
    this.#question = setTimeout(async () => {
      try {
        await this.run((client) => client.sendCommand(["PING"]));
        if (!this.#closed && this.#client !== undefined) this.#ask();
      } catch {
        // It asks again once the connection is back.
      }
    }, this.#times.askMs);
  }

  #pause(attempt: number): Promise<void> {
    const most = Math.min(MAX_PAUSE_MS, FIRST_PAUSE_MS * 2 ** attempt);
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, most * (0.5 + Math.random() / 2));
    this.#endPause = () => {
      clearTimeout(timer);
      resolve();
    };
    return promise;
  }
}

/** Puts into words why a connection failed. */
export function describe(error: unknown): string {
  if (!(error instanceof Error)) return messageOf(error);
  const { code } = error as { code?: unknown };
  if (code === "ECONNREFUSED") return "the connection was refused";
  if (code === "ENOTFOUND") return "the host was not found";
  return error.message.replace(/\.$/, "") || String(code ?? error.name);
}

function closedError(name: string): RuntimeError {
  return new RuntimeError("STORE_CLOSED", `Cannot use ${quote(name)}: it was closed`);
}

function quote(name: string): string {
  return `the store at ${JSON.stringify(name)}`;
}
