/**
 * A started pagelet, as its parent sees it: the same in the entry and in a worker.
 *
 * @module
 */

import { LONGEST_TIMER_MS } from "../checks.ts";
import { fromErrorRecord, RuntimeError, statusOf } from "../errors.ts";
import type { PageletPart, PageletStatus, PageletTask } from "../types/pagelet.ts";
import type { PageletAnswer } from "./wire.ts";

/** Where a task's answer comes from. */
export interface PageletSource {
  /** Whether the pagelet has begun to run. */
  state(): "queued" | "running";
  /** The answer; rejects with what went wrong. */
  answer: Promise<PageletAnswer>;
  /** Gives the pagelet up. */
  cancel(reason: unknown): void;
  /** Says that somebody waits for the answer. */
  wait(): void;
}

/** Bytes of parts that a task reads ahead of whoever collects them. */
const READ_AHEAD = 1 << 20;

/** Collects what a {@linkcode PageletSource} brings. */
export class SourceTask implements PageletTask {
  readonly url: string;
  /** The same as {@linkcode PageletTask.ended}, for who only listens: it does not count as waiting. */
  readonly over: Promise<void>;
  readonly #source: PageletSource;
  readonly #decoder = new TextDecoder();
  #head: PageletAnswer | undefined;
  #reader: ReadableStreamDefaultReader<Uint8Array> | undefined;
  #chunks: Uint8Array[] = [];
  #buffered = 0;
  #limit = READ_AHEAD;
  #reading = false;
  #over = false;
  #final: PageletPart | undefined;
  #error: Error | undefined;
  #wake: (() => void)[] = [];
  #resolveOver!: () => void;

  constructor(url: string, source: PageletSource) {
    this.url = url;
    this.#source = source;
    this.over = new Promise((resolve) => this.#resolveOver = resolve);
    source.answer.then((answer) => this.#begin(answer), (error) => this.#finish(error));
  }

  get status(): PageletStatus {
    if (this.#chunks.length > 0) return "flushed";
    if (!this.#over) return this.#head === undefined ? this.#source.state() : "running";
    if (this.#error === undefined) return "done";
    const code = this.#error instanceof RuntimeError ? this.#error.code : undefined;
    if (code === "DEADLINE_EXCEEDED") return "timed-out";
    return code === "CANCELLED" ? "cancelled" : "failed";
  }

  get ended(): Promise<void> {
    this.#source.wait();
    return this.over;
  }

  get error(): Error | undefined {
    return this.#error;
  }

  async result({ timeoutMs = 0 }: { timeoutMs?: number } = {}): Promise<PageletPart> {
    this.#source.wait();
    const until = timeoutMs > 0 ? performance.now() + timeoutMs : Infinity;
    while (this.#chunks.length === 0 && !this.#over) {
      const left = until - performance.now();
      if (left <= 0 || !await this.#change(left)) {
        return { code: -1, headers: new Headers(), body: "" };
      }
    }
    const chunk = this.#take();
    if (chunk !== undefined) {
      return {
        code: 0,
        headers: new Headers(),
        body: this.#decoder.decode(chunk, { stream: true }),
      };
    }
    return this.#end();
  }

  async *[Symbol.asyncIterator](): AsyncIterator<PageletPart> {
    let part: PageletPart;
    do yield part = await this.result(); while (part.code === 0);
  }

  async response(): Promise<Response> {
    this.#source.wait();
    while (this.#head === undefined && !this.#over) await this.#change(Infinity);
    const head = this.#head;
    if (head === undefined) return new Response(null, { status: statusOf(this.#error) });
    const { status, headers, body } = head;
    if (!(body instanceof ReadableStream)) {
      return new Response(body as BodyInit | null, { status, headers });
    }
    return new Response(this.#stream(), { status, headers });
  }

  text(): Promise<string> {
    const text = this.#text();
    // It may fail while the page still waits for another, which must not end the isolate.
    text.catch(isAlreadyReported);
    return text;
  }

  async #text(): Promise<string> {
    this.#limit = Infinity;
    let text = "";
    for await (const part of this) text += part.body;
    if (this.#error !== undefined) throw this.#error;
    return text;
  }

  cancel(reason?: unknown): void {
    if (this.#over) return;
    this.#source.cancel(reason);
    if (this.#head === undefined) return;
    // Whoever cancels wants nothing more, not even what has come already.
    this.#chunks = [];
    const why = reason instanceof Error ? reason.message : reason ?? "it was cancelled";
    this.#finish(
      new RuntimeError("CANCELLED", `Cannot finish pagelet "${this.url}": ${why}`, {
        cause: reason,
      }),
    );
    this.#reader?.cancel(reason).catch(isAlreadyReported);
  }

  /** Reads on to the end without being asked for parts, and resolves there. */
  collect(): Promise<void> {
    this.#limit = Infinity;
    this.#source.wait();
    this.#readAhead();
    return this.over;
  }

  #begin(answer: PageletAnswer): void {
    if (this.#over) return;
    this.#head = answer;
    if (answer.error !== undefined) this.#error = fromErrorRecord(answer.error);
    if (!(answer.body instanceof ReadableStream)) return this.#finish();
    this.#reader = answer.body.getReader();
    this.#changed();
    this.#readAhead();
  }

  async #readAhead(): Promise<void> {
    if (this.#reading || this.#reader === undefined) return;
    this.#reading = true;
    try {
      while (!this.#over && this.#buffered < this.#limit) {
        const { done, value } = await this.#reader.read();
        if (done) this.#finish();
        else if (value.byteLength > 0) {
          this.#chunks.push(value);
          this.#buffered += value.byteLength;
          this.#changed();
        }
      }
    } catch (error) {
      this.#finish(error);
    } finally {
      this.#reading = false;
    }
  }

  #take(): Uint8Array | undefined {
    const chunk = this.#chunks.shift();
    if (chunk === undefined) return undefined;
    this.#buffered -= chunk.byteLength;
    this.#readAhead();
    return chunk;
  }

  #stream(): ReadableStream<Uint8Array> {
    return new ReadableStream<Uint8Array>({
      pull: async (controller) => {
        while (this.#chunks.length === 0 && !this.#over) await this.#change(Infinity);
        const chunk = this.#take();
        if (chunk !== undefined) controller.enqueue(chunk);
        else if (this.#error === undefined || this.#head?.error !== undefined) controller.close();
        else controller.error(this.#error);
      },
      cancel: (reason) => this.cancel(reason),
    }, { highWaterMark: 0 });
  }

  #finish(error?: unknown): void {
    if (this.#over) return;
    this.#over = true;
    if (error !== undefined) {
      this.#error = error instanceof Error ? error : new Error(String(error));
    }
    this.#changed();
    this.#resolveOver();
  }

  #end(): PageletPart {
    if (this.#final !== undefined) return this.#final;
    const head = this.#head;
    const broken = this.#error !== undefined && head?.error === undefined;
    const rest = head?.body instanceof Uint8Array ? head.body : new Uint8Array();
    return this.#final = {
      code: head === undefined || broken ? statusOf(this.#error) : head.status,
      headers: new Headers(head?.headers),
      body: this.#decoder.decode(rest),
    };
  }

  /** Waits until something has changed, or so many milliseconds; says which. */
  #change(withinMs: number): Promise<boolean> {
    return new Promise((resolve) => {
      const timer = withinMs === Infinity ? undefined : setTimeout(() => {
        this.#wake = this.#wake.filter((wake) => wake !== woken);
        resolve(false);
      }, Math.min(withinMs, LONGEST_TIMER_MS));
      const woken = () => {
        clearTimeout(timer);
        resolve(true);
      };
      this.#wake.push(woken);
    });
  }

  #changed(): void {
    for (const wake of this.#wake.splice(0)) wake();
  }
}

/** The task's error says it already. */
function isAlreadyReported(): void {}
