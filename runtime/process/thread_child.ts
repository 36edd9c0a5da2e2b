/**
 * Children that are threads, from outside.
 *
 * @module
 */

import { fileURLToPath } from "node:url";
import type { ChildPermissions } from "./flags.ts";
import { hub } from "./hub.ts";
import type { Siginfo } from "./siginfo.ts";
import { LAST_SIGNAL, SIGKILL } from "./signal_numbers.ts";
import type { EndMessage, ParentMessage, StartMessage } from "./thread_messages.ts";
import type {} from "./thread_main.ts";

/** No process has a pid as high as this. */
export const FIRST_VIRTUAL_PID = 8_388_608;

/** Pids stay whole numbers of 31 bits. */
const VIRTUAL_PIDS = 2 ** 31 - FIRST_VIRTUAL_PID;

/** Where in the virtual pids the last one was; threads that start threads begin somewhere, so as not to repeat ours. */
let last: number | undefined;

/** A child that is a thread. */
export class ThreadChild {
  /** Its virtual process id. */
  readonly pid: number;
  /** Called once with its status word when it has ended. */
  onEnd: (word: number) => void = () => {};
  readonly #worker: Worker;
  #ended = false;

  /** Starts one; a `pid` is that of nobody. */
  constructor(pid: number, module: string, permissions: Deno.PermissionOptions, name: string) {
    this.pid = pid;
    const options = { type: "module", name, deno: { permissions } } as WorkerOptions;
    const worker = this.#worker = new Worker(textUrl(module), options);
    worker.onmessage = ({ data }: MessageEvent<EndMessage>) => {
      if (data?.type === "END") this.#end(wordOf(data));
    };
    // Deno has written the error by now.
    worker.onerror = (event) => {
      event.preventDefault();
      this.#end(1 << 8);
    };
  }

  /** Tells it who it is. */
  start(message: StartMessage): void {
    this.#post(message);
  }

  /** Sends it a signal, on which it acts by itself. */
  send(info: Siginfo): void {
    this.#post({ type: "SIGNAL", info });
  }

  /** Ends it by SIGKILL. */
  kill(): void {
    this.#end(SIGKILL);
  }

  #post(message: ParentMessage): void {
    if (!this.#ended) this.#worker.postMessage(message);
  }

  #end(word: number): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#worker.terminate();
    this.onEnd(word);
  }
}

/** A virtual pid that is neither taken nor ours. */
export function nextVirtualPid(isTaken: (pid: number) => boolean): number {
  last ??= hub.isThread ? crypto.getRandomValues(new Uint32Array(1))[0]! % VIRTUAL_PIDS : -1;
  let pid: number;
  do {
    last = (last + 1) % VIRTUAL_PIDS;
    pid = FIRST_VIRTUAL_PID + last;
  } while (pid === hub.pid || isTaken(pid));
  return pid;
}

/** The permissions of a Worker for those of a child. */
export function workerPermissions(
  permissions: ChildPermissions | "none",
): Deno.PermissionOptions {
  if (permissions === "none") return "none";
  const kinds = ["env", "ffi", "import", "net", "read", "run", "sys", "write"] as const;
  // What is left out would be inherited.
  return Object.fromEntries(
    kinds.map((kind) => [kind, permissions[kind] ?? false]),
  ) as Deno.PermissionOptions;
}

/** Fails where a module could not be loaded, which the child would learn too late. */
export function checkReadable(module: string): void {
  for (const url of [module, import.meta.url]) {
    if (!url.startsWith("file:")) continue;
    const path = fileURLToPath(url);
    if (Deno.permissions.querySync({ name: "read", path }).state === "granted") continue;
    throw new Deno.errors.NotCapable(
      `Requires read access to ${JSON.stringify(path)}, run again with the --allow-read flag`,
    );
  }
}

/** Its imports stand there by name, so that they load with our permissions, not with those of the child. */
function textUrl(module: string): string {
  const entry = JSON.stringify(new URL("./thread_main.ts", import.meta.url).href);
  const text = `import { runThread } from ${entry};\nrunThread(() => import(${
    JSON.stringify(module)
  }));`;
  return `data:text/javascript,${encodeURIComponent(text)}`;
}

/** A child may claim what it likes of its own end, within what an end can be. */
function wordOf({ code, signo }: EndMessage): number {
  if (Number.isInteger(signo) && signo! > 0 && signo! <= LAST_SIGNAL) return signo!;
  return (Number(code) & 0xff) << 8;
}
