/**
 * Several boxes under a supervisor, as a program under test.
 *
 * @module
 */

import assert from "node:assert/strict";
import type { MachineStatus } from "../../runtime/supervisor/supervisor.ts";
import { BOX_FLAGS, type Program, REPOSITORY, startServe } from "./program.ts";

/** The site of the tests of several boxes. */
export const MACHINE_SITE = new URL("../sites/machine/site.ts", import.meta.url).href;

/** What a supervisor needs beside what a box needs. */
export const SUPERVISOR_FLAGS: readonly string[] = [
  "--allow-run=deno",
  "--allow-env=PORT,NODE_V8_COVERAGE,PATH,HOME,DENO_DIR,XDG_CACHE_HOME,TMPDIR",
];

const UNSTABLE = ["--unstable-kv", "--unstable-worker-options", "--unstable-net"];
const LONGEST_MS = 60_000;

/** How a machine is started. */
export interface MachineOptions {
  /** The site. @default the site of these tests */
  site?: string;
  /** How many boxes. @default 2 */
  boxes?: number;
  /** Arguments of `serve`. */
  args?: readonly string[];
  /** Flags of Deno for the boxes, beside those that they need. */
  boxFlags?: readonly string[];
  /** Flags of Deno for the supervisor, beside those that it needs. */
  flags?: readonly string[];
  /** Port of the site. @default a free one */
  port?: number;
}

/** Starts a supervisor and waits until its boxes serve. */
export async function startMachine(options: MachineOptions = {}): Promise<Machine> {
  const program = startMachineProgram(options);
  const admin = await program.stderr.line(/admin port is open/);
  const url = await program.url();
  return new Machine(program, url, /http:[^"]+/.exec(admin)![0]);
}

/** Starts a supervisor. */
export function startMachineProgram(
  { site = MACHINE_SITE, boxes = 2, args = [], boxFlags = [], flags = [], port = 0 }:
    MachineOptions = {},
): Program {
  const forBoxes = [...BOX_FLAGS, ...UNSTABLE, ...boxFlags].map((flag) => `--box-flag=${flag}`);
  return startServe([
    site,
    ...["--port", String(port), "--admin-port", "0", "--boxes", String(boxes)],
    ...args,
    ...forBoxes,
  ], { flags: [`--allow-read=${REPOSITORY}`, ...SUPERVISOR_FLAGS, ...flags] });
}

/** A supervisor and its boxes. It is killed at the end of its block. */
export class Machine implements AsyncDisposable {
  readonly program: Program;
  readonly url: string;
  readonly admin: string;
  /** Every process id that a box ever had. */
  readonly #pids = new Set<number>();

  constructor(program: Program, url: string, admin: string) {
    this.program = program;
    this.url = url;
    this.admin = admin;
  }

  /** The figures of the machine. */
  async status(): Promise<MachineStatus> {
    const response = await fetch(`${this.admin}status`);
    const status: MachineStatus = await response.json();
    for (const { pid } of status.boxes) this.#pids.add(pid);
    return status;
  }

  /** Sends a command. */
  async command(name: "reload" | "stop"): Promise<{ status: number; text: string }> {
    const response = await fetch(`${this.admin}${name}`, { method: "POST" });
    return { status: response.status, text: await response.text() };
  }

  /** Waits until the figures are as wanted. */
  async until(holds: (status: MachineStatus) => boolean): Promise<MachineStatus> {
    const end = performance.now() + LONGEST_MS;
    for (;;) {
      const status = await this.status();
      if (holds(status)) return status;
      const shown = JSON.stringify(status, ["state", "serving", "restarts", "boxes", "pid"]);
      assert.ok(performance.now() < end, `Waited in vain for ${holds}: ${shown}`);
    }
  }

  /** Asks for a path and returns the text. */
  async get(path: string): Promise<string> {
    const response = await fetch(new URL(path, this.url));
    return await response.text();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.program.ended) {
      this.program.kill("SIGTERM");
      await this.program.status;
    }
    await this.program[Symbol.asyncDispose]();
    for (const pid of this.#pids) await untilGone(pid);
  }
}

/** Waits until there is no process of that number. */
export async function untilGone(pid: number, longestMs = LONGEST_MS): Promise<void> {
  const end = performance.now() + longestMs;
  while (isRunning(pid)) {
    assert.ok(performance.now() < end, `Process ${pid} goes on`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

/** Whether there is a process of that number, other than one that has ended and that nobody has waited for. */
export function isRunning(pid: number): boolean {
  const script = `read -r _ _ state _ < /proc/${pid}/stat && [ "$state" != Z ]`;
  return new Deno.Command("sh", { args: ["-c", script], stderr: "null" }).outputSync().success;
}

/** Sends a process a signal; it is one that the test started. */
export function killProcess(pid: number, signal = "KILL"): void {
  new Deno.Command("sh", { args: ["-c", `kill -${signal} ${pid}`] }).outputSync();
}
