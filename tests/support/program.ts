/**
 * Real programs under test: started by name with the permissions that the test gives, read line by
 * line, and ended by their own process id.
 *
 * @module
 */

import { fileURLToPath } from "node:url";

/** The repository, as a path with a slash at the end. */
export const REPOSITORY = fileURLToPath(new URL("../../", import.meta.url));

/** The command line, as a path. */
export const MOD = `${REPOSITORY}mod.ts`;

/** What a box needs to serve a site of this repository on loopback, and nothing else. */
export const BOX_FLAGS: readonly string[] = [
  "--no-prompt",
  `--allow-read=${REPOSITORY}`,
  "--allow-net=127.0.0.1",
  "--allow-env=PORT",
];

/** How a program is started. */
export interface ProgramOptions {
  /** Folder that it starts in. @default the repository */
  cwd?: string;
  /** Variables beside those of the test. */
  env?: Record<string, string>;
}

/** After this long a program that a test waits for is killed, so that the test fails and does not hang. */
const LONGEST_MS = 120_000;

/** Starts `deno` with these arguments. */
export function startDeno(args: readonly string[], options?: ProgramOptions): Program {
  return new Program("deno", args, options);
}

/** Runs `deno` with these arguments to its end. */
export async function runDeno(
  args: readonly string[],
  options?: ProgramOptions,
): Promise<{ code: number; stdout: string; stderr: string }> {
  await using program = startDeno(args, options);
  return await program.output();
}

/** Starts `tandem serve` with {@linkcode BOX_FLAGS} and `flags`; what these say of reading holds. */
export function startServe(
  args: readonly string[],
  { flags = [], ...options }: ProgramOptions & { flags?: readonly string[] } = {},
): Program {
  const given = flags.some((flag) => flag.startsWith("--allow-read="));
  const own = BOX_FLAGS.filter((flag) => !(given && flag.startsWith("--allow-read=")));
  return startDeno(["run", ...own, ...flags, MOD, "serve", ...args], options);
}

/** Permissions to keep a store in a folder. */
export function storeFlags(folder: string): string[] {
  return [`--allow-read=${REPOSITORY},${folder}`, `--allow-write=${folder}`];
}

/** A program that runs. It is killed at the end of its block if it still does. */
export class Program implements AsyncDisposable {
  /** What it writes to standard output. */
  readonly stdout: Output;
  /** What it writes to standard error. */
  readonly stderr: Output;
  /** How it ended. */
  readonly status: Promise<Deno.CommandStatus>;
  readonly #child: Deno.ChildProcess;
  readonly #timer: ReturnType<typeof setTimeout>;
  #ended = false;

  constructor(command: string, args: readonly string[], { cwd, env }: ProgramOptions = {}) {
    const child = this.#child = new Deno.Command(command, {
      args: [...args],
      cwd: cwd ?? REPOSITORY,
      env: { NO_COLOR: "1", PORT: "", ...env },
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    this.stdout = new Output(child.stdout, "standard output");
    this.stderr = new Output(child.stderr, "standard error");
    this.#timer = setTimeout(() => this.kill("SIGKILL"), LONGEST_MS);
    this.status = child.status.finally(() => this.#ended = true);
  }

  /** Its process id. */
  get pid(): number {
    return this.#child.pid;
  }

  /** Whether it has ended. */
  get ended(): boolean {
    return this.#ended;
  }

  /** Sends it a signal, unless it has ended. */
  kill(signal: Deno.Signal): void {
    try {
      this.#child.kill(signal);
    } catch (error) {
      if (!(error instanceof TypeError)) throw error; // it has ended
    }
  }

  /** Waits until it serves, and returns where. */
  async url(): Promise<string> {
    const line = await Promise.race([
      this.stdout.line(/https?:\/\//),
      this.stderr.end.then(() => Promise.reject(new Error(`It ended: ${this.stderr.text}`))),
    ]);
    return `${/https?:\/\/[^\s/]+/.exec(line)![0]}/`;
  }

  /** Waits until it ends, and returns what it wrote. */
  async output(): Promise<{ code: number; stdout: string; stderr: string }> {
    const { code } = await this.status;
    await Promise.all([this.stdout.end, this.stderr.end]);
    return { code, stdout: this.stdout.text, stderr: this.stderr.text };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.#ended) this.kill("SIGKILL");
    await this.output();
    clearTimeout(this.#timer);
  }
}

/** What a program writes, as it writes it. */
export class Output {
  /** All of it so far. */
  text = "";
  /** Resolves when there will be no more. */
  readonly end: Promise<void>;
  readonly #name: string;
  readonly #waiting = new Set<() => void>();
  #closed = false;

  constructor(stream: ReadableStream<Uint8Array>, name: string) {
    this.#name = name;
    this.end = this.#read(stream);
  }

  /** Waits for a whole line that matches; rejects when the output ends without one. */
  line(pattern: RegExp): Promise<string> {
    return new Promise((resolve, reject) => {
      const look = () => {
        const lines = this.text.split("\n").slice(0, -1);
        const found = lines.find((line) => pattern.test(line));
        if (found !== undefined) resolve(found);
        else if (this.#closed) {
          reject(new Error(`${this.#name} ended without ${pattern}: ${this.text}`));
        } else return;
        this.#waiting.delete(look);
      };
      this.#waiting.add(look);
      look();
    });
  }

  async #read(stream: ReadableStream<Uint8Array>): Promise<void> {
    for await (const part of stream.pipeThrough(new TextDecoderStream())) {
      this.text += part;
      for (const look of [...this.#waiting]) look();
    }
    this.#closed = true;
    for (const look of [...this.#waiting]) look();
  }
}
