/**
 * Children that run a module.
 *
 * @module
 */

import process from "node:process";
import { checkFields, fail, given, readDocument } from "../checks.ts";
import { backend } from "./backend.ts";
import { children, type WaitResult } from "./children.ts";
import { SIG_SETMASK } from "./constants.ts";
import { unable } from "./failure.ts";
import { type ChildPermissions, permissionFlags } from "./flags.ts";
import { hub } from "./hub.ts";
import { kill } from "./kill.ts";
import type { SignalLike } from "./signal_set.ts";
import { checkReadable, nextVirtualPid, ThreadChild, workerPermissions } from "./thread_child.ts";
import { waitpid } from "./wait.ts";

/**
 * What the module's `main()` is called with in the child. There is no link to the parent in it: children that talk with
 * their parent are those of `tree.fork`.
 */
export interface ForkContext<T = unknown> {
  /** A clone of what the parent gave. */
  data: T;
  /** The child's process id; of a thread a virtual one. */
  pid: number;
  /** The parent's process id when the child began. */
  ppid: number;
  /** The texts that the parent gave. */
  args: string[];
  /** The name that the parent gave. */
  alias: string | null;
}

/** How a child is started. */
export interface ForkOptions {
  /** Cloned into the child: what `structuredClone()` takes. To a process it travels through a pipe that nobody else reads. */
  data?: unknown;
  /** Texts for the child. Other programs on the machine can read them. */
  args?: readonly string[];
  /** A name for the child. */
  alias?: string;
  /** What the child is: a process of its own, or a Worker of this one. @default "process" */
  kind?: "process" | "thread";
  /** What the child may do, spelled out. @default "none" */
  permissions?: ChildPermissions | "none";
  /** Variables that the child has beside ours. This and what follows, but for the mask, is for processes only. */
  env?: Record<string, string>;
  /** Added to our priority, from -20 to 19; needs `--allow-run=nice`. @default 0 */
  nice?: number;
  /** Whether the child begins with our mask of signals, with the native backend also with that of the kernel. @default false */
  inheritMask?: boolean;
  /** Whether the child leads a session and a process group of its own. @default false */
  detached?: boolean;
  /** Where the child's output goes. @default "inherit" */
  stdout?: "inherit" | "null" | "piped";
  /** Where the child's errors go. @default "inherit" */
  stderr?: "inherit" | "null" | "piped";
}

const FIELDS = [
  "data",
  "args",
  "alias",
  "kind",
  "permissions",
  "env",
  "nice",
  "inheritMask",
  "detached",
  "stdout",
  "stderr",
];

/** Fields that a thread has no use for. */
const PROCESS_FIELDS = ["env", "nice", "detached", "stdout", "stderr"];

/** A child that was started. At the end of its block it is killed and waited for. */
export class ForkHandle implements AsyncDisposable {
  /** Its process id; of a thread a virtual one, from 8,388,608. */
  readonly pid: number;
  /** The name that it was given. */
  readonly alias: string | null;
  /** Its output, if that is piped. */
  readonly stdout: ReadableStream<Uint8Array> | null;
  /** Its errors, if they are piped. */
  readonly stderr: ReadableStream<Uint8Array> | null;

  /** Made by {@linkcode forkModule}. */
  constructor(child: Deno.ChildProcess | ThreadChild, options: ForkOptions) {
    this.pid = child.pid;
    this.alias = options.alias ?? null;
    const piped = child instanceof ThreadChild ? null : child;
    this.stdout = options.stdout === "piped" ? piped?.stdout ?? null : null;
    this.stderr = options.stderr === "piped" ? piped?.stderr ?? null : null;
  }

  /** Sends it a signal, as `kill(pid, signal)` does. */
  kill(signal: SignalLike): boolean {
    return kill(this.pid, signal);
  }

  /** Waits for it, as `waitpid(pid, options)` does. */
  wait(options = 0): Promise<WaitResult> {
    return waitpid(this.pid, options);
  }

  /** Kills it, unless it has ended, and waits for it, unless somebody has. What it wrote and nobody reads is dropped. */
  async close(): Promise<void> {
    await this.#end();
    for (const stream of [this.stdout, this.stderr]) {
      if (stream?.locked === false) await stream.cancel();
    }
  }

  async #end(): Promise<void> {
    while (children.has(this.pid)) {
      this.kill("SIGKILL");
      const closed = Promise.withResolvers<void>();
      const watcher = { pid: this.pid, look: () => closed.resolve() };
      if (children.take(this.pid) !== undefined || !children.has(this.pid)) return;
      children.watch(watcher);
      await closed.promise;
      children.unwatch(watcher);
    }
  }

  /** The same as {@linkcode close}. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}

/**
 * Fails: a process that runs JavaScript cannot be doubled. In PHP, `pcntl_fork()` goes on at the same line in both;
 * here {@linkcode forkModule} starts a child at the beginning of a module.
 *
 * @throws {PcntlError} `ENOSYS`, always.
 */
export function fork(): never {
  unable("fork", "Deno's memory and threads do not survive it; start a module with forkModule()");
}

/**
 * Starts a child that imports a module and calls its export `main` with a {@linkcode ForkContext}. It is what
 * stands here for `pcntl_fork()` of PHP.
 *
 * The child shares nothing: no memory, open files, timers, locks, handlers, and no mask unless asked. It has our
 * working directory, environment and priority, and reads nothing from standard input. It ends when `main` has
 * returned and nothing keeps it going; an error makes its exit code 1. It keeps us alive only
 * while somebody waits for it, or if its output is piped, and until it has read its data.
 *
 * With `kind: "thread"` the child is a Worker, which starts faster and costs less. It has a virtual pid, which only
 * this module knows, writes where we write, and shares our working directory, environment and fate: what ends this process, such as
 * running out of memory, ends both. It ends as soon as `main` has returned, whatever is left to do, and it keeps us alive until then. The signals of the
 * system are not its own: its `signal()`, `sigprocmask()` and waits see what `kill()` sends to its pid. Nothing can stop one that is busy
 * in synchronous code: SIGKILL reports its end at once, but its thread burns a core until the process ends. A process is the safe choice
 * for code that may hang or eat memory.
 *
 * A process needs `--allow-run` of the running Deno, or of `deno` on the path, which then has to be the same version. A
 * thread needs `--allow-read` of local modules, of this one too, and `--unstable-worker-options`, without which Deno
 * ends the process; its permissions are at most ours.
 *
 * @param specifier Absolute URL of the module.
 * @returns The child; its `pid` is known at once.
 * @throws {TypeError} If the specifier or an option is wrong.
 * @throws {DOMException} `DataCloneError` if `data` cannot be cloned.
 * @throws {Deno.errors.NotCapable} If the permission is missing.
 *
 * @example Usage
 * ```ts ignore
 * const child = pcntl.forkModule(new URL("./child.ts", import.meta.url), { data: { from: 1, to: 9 } });
 * const { pid, status } = await pcntl.waitpid(child.pid);
 * assert.equal(pid, child.pid);
 * assert.ok(pcntl.wifexited(status));
 *
 * // child.ts
 * export function main({ data }: pcntl.ForkContext<{ from: number; to: number }>) {}
 * ```
 */
export function forkModule(specifier: string | URL, options: ForkOptions = {}): ForkHandle {
  checkFields("forkModule options", options, FIELDS);
  checkOptions(options);
  const { kind = "process", nice = 0, args = [], detached = false } = options;
  if (kind !== "process" && kind !== "thread") {
    throw new TypeError(
      `Cannot forkModule: kind is "process" or "thread", and ${given(kind)} was given`,
    );
  }
  if (!Number.isInteger(nice) || nice < -20 || nice > 19) {
    throw new RangeError(`Cannot forkModule: nice is from -20 to 19, and ${given(nice)} was given`);
  }
  const module = readDocument("specifier", specifier);
  if (kind === "thread") return startThread(module, options);
  const program = programOf(module, options);
  const flags = permissionFlags(options.permissions ?? "none", [module, import.meta.url]);
  const deno = [denoPath(), "run", ...flags, "-", ...args];
  const [name, ...rest] = nice === 0 ? deno : ["nice", "-n", String(nice), ...deno];
  const command = new Deno.Command(name!, {
    args: rest,
    env: options.env ?? {},
    stdin: "piped",
    stdout: options.stdout ?? "inherit",
    stderr: options.stderr ?? "inherit",
    detached,
  });
  const start = () => command.spawn();
  const native = options.inheritMask ? undefined : backend.native;
  const child = native === undefined ? start() : native.unmasked(start);
  // Its streams do not keep us alive where it does not, and then they could not be read to their end.
  const holds = options.stdout === "piped" || options.stderr === "piped";
  children.add(child, { detached, holds });
  feed(child, program);
  return new ForkHandle(child, options);
}

/** Checks what both kinds take, and what Deno would refuse in other words. */
function checkOptions(options: ForkOptions): void {
  const { args = [], alias = "", env = {}, inheritMask = false, detached = false } = options;
  const { stdout = "inherit", stderr = "inherit" } = options;
  if (!Array.isArray(args) || !args.every(isText)) {
    fail("args", "a list of texts without NUL", args);
  }
  if (!isText(alias)) fail("alias", "a text", alias);
  if (typeof env !== "object" || env === null || Array.isArray(env)) fail("env", "an object", env);
  for (const [name, value] of Object.entries(env)) {
    if (!isText(value) || !isText(name) || name === "" || name.includes("=")) {
      fail(`env.${name}`, "a name and a text without NUL", value);
    }
  }
  for (const [name, value] of Object.entries({ inheritMask, detached })) {
    if (typeof value !== "boolean") fail(name, "true or false", value);
  }
  for (const [name, value] of Object.entries({ stdout, stderr })) {
    if (!["inherit", "null", "piped"].includes(value)) {
      fail(name, '"inherit", "null" or "piped"', value);
    }
  }
}

function isText(value: unknown): boolean {
  return typeof value === "string" && !value.includes("\0");
}

function startThread(module: string, options: ForkOptions): ForkHandle {
  const { data, args = [], alias = null, permissions = "none", inheritMask = false } = options;
  for (const field of PROCESS_FIELDS) {
    if (options[field as keyof ForkOptions] === undefined) continue;
    throw new TypeError(
      `Cannot forkModule: option "${field}" is for children of kind "process"`,
    );
  }
  permissionFlags(permissions, []); // checks them
  const pid = nextVirtualPid((pid) => children.has(pid));
  const context = { data, pid, ppid: hub.pid, args: [...args], alias };
  const message = structuredClone({ context, mask: inheritMask ? hub.mask : [] });
  checkReadable(module);
  const name = alias ?? `child ${pid}`;
  const child = new ThreadChild(pid, module, workerPermissions(permissions), name);
  child.start({ type: "START", ...message });
  children.addThread(child);
  return new ForkHandle(child, options);
}

/** The child's main module. It comes through standard input, so that no other program sees the data in it. */
function programOf(
  module: string,
  { data, alias, inheritMask = false }: ForkOptions,
): string {
  const v8 = process.getBuiltinModule("node:v8");
  const text = (value: unknown) => JSON.stringify(value);
  const lines = [
    'import { deserialize } from "node:v8";',
    'import { Buffer } from "node:buffer";',
  ];
  if (inheritMask && hub.mask.length > 0) {
    lines.push(
      `import { sigprocmask } from ${text(new URL("./signals.ts", import.meta.url).href)};`,
      `sigprocmask(${SIG_SETMASK}, ${text(hub.mask)});`,
    );
  }
  const clone = v8.serialize(structuredClone(data)).toString("base64");
  lines.push(
    `import { main } from ${text(module)};`,
    `const data = deserialize(Buffer.from("${clone}", "base64"));`,
    `await main({ data, pid: Deno.pid, ppid: Deno.ppid, args: Deno.args, alias: ${
      text(alias ?? null)
    } });`,
  );
  return lines.join("\n");
}

/** A child that ends before it has read its program says so by its status. */
async function feed(child: Deno.ChildProcess, program: string): Promise<void> {
  const writer = child.stdin.getWriter();
  try {
    await writer.write(new TextEncoder().encode(program));
    await writer.close();
  } catch {
    await writer.abort().catch(() => {});
  }
}

/** By its name where the running program may not be started by its path, as when `deno` is a link. */
function denoPath(): string {
  const path = Deno.execPath();
  const { state } = Deno.permissions.querySync({ name: "run", command: path });
  return state === "granted" ? path : "deno";
}
