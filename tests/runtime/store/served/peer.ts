/**
 * Processes that serve and use an engine, with no permission more than that takes.
 *
 * @module
 */

import { fileURLToPath } from "node:url";
import { RuntimeError } from "../../../../runtime/errors.ts";
import type { Order } from "./peer_program.ts";

const PROGRAM = new URL("./peer_program.ts", import.meta.url).href;
const REPOSITORY = fileURLToPath(new URL("../../../../", import.meta.url));

/** What a process may do that serves the file in `folder` at the socket in `folder`. */
export function ownerFlags(folder: string, socket = `${folder}/s`): string[] {
  return [`--allow-read=${folder}`, `--allow-write=${folder}`, `--allow-net=unix:${socket}`];
}

/** What a process may do that connects to a socket. */
export function clientFlags(socket: string): string[] {
  return [`--allow-read=${socket}`, `--allow-write=${socket}`, `--allow-net=unix:${socket}`];
}

/** A process that does as it is told. */
export class Peer implements AsyncDisposable {
  readonly #child: Deno.ChildProcess;
  readonly #input: WritableStreamDefaultWriter<Uint8Array<ArrayBuffer>>;
  readonly #answers = new Map<number, PromiseWithResolvers<unknown>>();
  readonly #reading: Promise<void>;
  #lastId = 0;

  /** Starts it with these permissions. */
  constructor(flags: readonly string[]) {
    const args = ["run", "--no-check", "--no-prompt", "--unstable-kv", ...flags, PROGRAM];
    this.#child = new Deno.Command("deno", {
      args,
      cwd: REPOSITORY,
      env: { NO_COLOR: "1" },
      stdin: "piped",
      stdout: "piped",
      stderr: "inherit",
    }).spawn();
    this.#input = this.#child.stdin.getWriter();
    this.#reading = this.#read();
  }

  /** Its process id. */
  get pid(): number {
    return this.#child.pid;
  }

  /** Tells it to do something, and waits for the answer; rejects with the error that it met. */
  async ask<T = unknown>(order: Order): Promise<T> {
    const id = ++this.#lastId;
    const answer = Promise.withResolvers<unknown>();
    this.#answers.set(id, answer);
    await this.#input.write(new TextEncoder().encode(`${JSON.stringify({ id, order })}\n`));
    return await answer.promise as T;
  }

  /** Kills it, and waits until it is gone. */
  async kill(): Promise<void> {
    this.#child.kill("SIGKILL");
    await this.#child.status;
  }

  /** Stops it, or lets it go on. */
  signal(signal: "SIGSTOP" | "SIGCONT"): void {
    this.#child.kill(signal);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    try {
      await this.#input.close(); // upon which it ends, if it has closed its engine
    } catch {
      // It was killed.
    }
    try {
      this.#child.kill("SIGKILL");
    } catch {
      // It has ended.
    }
    await this.#reading;
    await this.#child.status;
  }

  async #read(): Promise<void> {
    let text = "";
    for await (const part of this.#child.stdout.pipeThrough(new TextDecoderStream())) {
      const lines = (text + part).split("\n");
      text = lines.pop()!;
      for (const line of lines) this.#take(JSON.parse(line));
    }
    for (const { reject } of this.#answers.values()) reject(new Error("The process has ended"));
  }

  #take({ id, result, error }: { id: number; result?: unknown; error?: PeerError }): void {
    const { resolve, reject } = this.#answers.get(id)!;
    this.#answers.delete(id);
    if (error === undefined) return resolve(result);
    const options = { cause: error.cause };
    reject(
      error.name === "RuntimeError"
        ? new RuntimeError(error.code!, error.message, options)
        : new Error(`${error.name}: ${error.message}`, options),
    );
  }
}

interface PeerError {
  name: string;
  code?: RuntimeError["code"];
  message: string;
  cause: string | null;
}
