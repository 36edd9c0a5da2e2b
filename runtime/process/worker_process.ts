/**
 * Threads in processes of their own: dearer to start and to talk to than Workers, but the kernel stops them whatever
 * they do, and what they exhaust is theirs alone.
 *
 * @module
 */

import { spawn } from "node:child_process";
import type {} from "./entry/scope.ts";
import { RECORD_LIMITS } from "../errors.ts";
import { bootstrapUrl, modulesOf } from "../thread/bootstrap.ts";
import type { Carrier, CarrierEvents, CarrierStart, StartCarrier } from "../thread/carrier.ts";
import { childEnvironment } from "./child_environment.ts";
import { findConfig } from "./config_file.ts";
import { permissionFlags } from "./flags.ts";
import { decodeValue, MAX_MESSAGE } from "./ipc_codec.ts";
import { containChannelFaults } from "./ipc_faults.ts";
import { MAX_WEIGHT, weigh } from "./ipc_weight.ts";
import { checkRights } from "./rights.ts";
import { FRAME, OPENING_SIGNAL } from "./stream_frames.ts";
import { StreamLanes } from "./stream_lanes.ts";

/** How a process of its own is started. */
export interface WorkerProcessOptions {
  /** Megabytes that the heap of its isolate may grow to; absent: what V8 allows. */
  maxHeapMb: number | undefined;
}

/** What is used of a child process. */
interface Child {
  readonly pid?: number;
  readonly connected: boolean;
  on(event: "message", listener: (message: unknown) => void): void;
  on(event: "exit", listener: (code: number | null, signal: string | null) => void): void;
  on(event: "error", listener: (error: Error) => void): void;
  send(message: unknown, callback: (error: Error | null) => void): boolean;
  kill(signal: "SIGKILL"): boolean;
  disconnect(): void;
}

/** How long is listened to a child that has ended, in milliseconds. */
const LAST_WORDS_MS = 5;
/** Messages that wait until a child listens. */
const MAX_EARLY = 1024;
/** By one of these V8 ends a process whose heap is full; which, depends on the machine. */
const HEAP_SIGNALS: readonly (string | null)[] = ["SIGTRAP", "SIGILL", "SIGABRT"];

/** Makes what starts such threads. */
export function workerProcess(options: WorkerProcessOptions): StartCarrier {
  return (start, events) => new ProcessCarrier(start, options, events);
}

/** A child process that runs the bootstrap module. */
class ProcessCarrier implements Carrier {
  readonly stops = true;
  readonly pid: number;
  readonly gone: Promise<void>;
  readonly #child: Child;
  readonly #events: CarrierEvents;
  readonly #maxHeapMb: number | undefined;
  readonly #lanes: StreamLanes;
  #resolveGone!: () => void;
  /** What is sent once the child listens. */
  #early: Uint8Array[] | undefined = [];
  #isEnded = false;
  #hasExited = false;

  constructor(start: CarrierStart, { maxHeapMb }: WorkerProcessOptions, events: CarrierEvents) {
    containChannelFaults();
    this.#events = events;
    this.#maxHeapMb = maxHeapMb;
    this.gone = new Promise((resolve) => this.#resolveGone = resolve);
    const child = this.#child = spawnWorker(start, maxHeapMb);
    this.pid = child.pid!;
    this.#lanes = new StreamLanes({
      send: (bytes) => this.#send(bytes),
      onMessage: (data) => events.onMessage({ data, ports: [] }),
    });
    child.on("message", (message) => this.#receive(message));
    child.on("exit", (code, signal) => this.#exited(code, signal));
  }

  post(message: unknown, transfer: Transferable[]): void {
    this.#lanes.post(message, transfer);
  }

  terminate(): void {
    if (this.#isEnded) return;
    this.#isEnded = true;
    this.#lanes.close(new Error("The worker has ended"));
    // Its number may soon be another's.
    if (!this.#hasExited) this.#child.kill("SIGKILL");
  }

  #send(bytes: Uint8Array): void {
    if (this.#isEnded) return;
    if (this.#early === undefined) return void this.#child.send(bytes, exitSaysIt);
    if (this.#early.push(bytes) > MAX_EARLY) this.#events.onViolation("does not listen");
  }

  #receive(message: unknown): void {
    if (this.#isEnded) return;
    const frame = readFrame(message);
    const fault = typeof frame === "string" ? frame : this.#take(frame);
    if (fault !== undefined) this.#events.onViolation(fault);
  }

  #take(frame: readonly unknown[]): string | undefined {
    const [kind, text] = frame;
    if (kind === FRAME.ready) {
      if (this.#early === undefined) return "said twice that it listens";
      const early = this.#early;
      this.#early = undefined;
      for (const bytes of early) this.#send(bytes);
      return undefined;
    }
    if (kind !== FRAME.failed) return this.#lanes.take(frame);
    if (typeof text !== "string") return "failed without a word";
    this.#events.onFailed(text.slice(0, RECORD_LIMITS.text));
    return undefined;
  }

  #exited(code: number | null, signal: string | null): void {
    // What it said last may still be in the channel, which does not close by itself.
    const wasEnded = this.#isEnded;
    this.#hasExited = true;
    setTimeout(() => {
      if (this.#child.connected) this.#child.disconnect();
      this.#resolveGone();
      if (wasEnded || this.#isEnded) return;
      if (HEAP_SIGNALS.includes(signal)) this.#events.onFailed(this.#heapWords());
      else if (signal === OPENING_SIGNAL) this.#events.onExit("it left", true);
      else if (signal !== null) this.#events.onFailed(`its process was ended by ${signal}`);
      else this.#events.onExit(`it left with code ${code}`, false, code ?? undefined);
      this.#isEnded = true;
      this.#lanes.close(new Error("The worker has ended"));
    }, wasEnded ? 0 : LAST_WORDS_MS);
  }

  #heapWords(): string {
    const limit = this.#maxHeapMb;
    return limit === undefined
      ? "it exhausted its heap"
      : `it exhausted its heap of ${limit} MB (maxHeapMb)`;
  }
}

/** Reads what a child has sent, which may be anything; otherwise says what is wrong with it. */
function readFrame(message: unknown): readonly unknown[] | string {
  const none = "sent what is no frame";
  if (!(message instanceof Uint8Array)) return none;
  if (message.length > MAX_MESSAGE) return `sent ${message.length} bytes in one message`;
  try {
    if (weigh(message) > MAX_WEIGHT) return "sent a message that would fill the memory of its box";
    const frame = decodeValue(message);
    return Array.isArray(frame) ? frame : none;
  } catch {
    return none;
  }
}

function spawnWorker(
  { name, modules, permissions }: CarrierStart,
  maxHeapMb: number | undefined,
): Child {
  const what = `worker "${name}"`;
  checkRights(what, permissions);
  const scope = new URL("./entry/scope.ts", import.meta.url).href;
  const args = ["run", "--quiet", "--no-lock", ...permissionFlags(permissions, modulesOf(modules))];
  args.push("--unstable-kv", "--unstable-worker-options", "--unstable-no-legacy-abort");
  const config = findConfig(modules.documents.main ?? "");
  args.push(config === undefined ? "--no-config" : `--config=${config}`);
  if (maxHeapMb !== undefined) args.push(`--v8-flags=--max-old-space-size=${maxHeapMb}`);
  // First of all, so that it finds what a Worker has.
  args.push(bootstrapUrl(modules, [
    `import { enterScope } from ${JSON.stringify(scope)};`,
    `enterScope(${JSON.stringify(name)});`,
  ]));
  const { env } = permissions as Deno.PermissionOptionsObject;
  const child = spawn("deno", args, {
    stdio: ["ignore", "inherit", "inherit", "ipc"],
    serialization: "advanced",
    env: {
      ...childEnvironment(env === true || Array.isArray(env) ? env : []),
      DENO_NO_UPDATE_CHECK: "1",
    },
  }) as unknown as Child;
  // Its end says more, unless there was no beginning.
  child.on("error", exitSaysIt);
  if (child.pid === undefined) {
    throw new Deno.errors.NotFound(`Cannot start ${what}: there is no program "deno" on the path`);
  }
  return child;
}

/** A child that is gone is reported by its exit. */
function exitSaysIt(): void {}
