/**
 * Starting children, in workers and in processes.
 *
 * @module
 */

import { checkFields, fail, readDocument } from "../checks.ts";
import { drawIdentity, type NodeIdentity } from "./address.ts";
import { spawnChild, type Spawned, spawnProgram } from "./fork_process.ts";
import type { Link } from "./link.ts";
import type { ResolvedTreeOptions } from "./options.ts";
import { encodePayload, type Payload } from "./payload.ts";
import { PortLink } from "./port_link.ts";
import type { ForkOptions, ForkProgram } from "./types.ts";

/** What a child is told about its place in the tree. */
export interface ChildPlace {
  identity: NodeIdentity;
  alias: string | undefined;
  parent: NodeIdentity;
  parentAlias: string | undefined;
  rootPid: number;
  /** The pids from the root to the parent. */
  above: readonly number[];
  options: ResolvedTreeOptions;
}

/** What a child is given when it asks: its place, and the data of its function in encoded form. */
export interface Boot extends ChildPlace {
  data: Payload;
}

/** A child that has been started. */
export interface Started {
  identity: NodeIdentity;
  link: Link;
}

/** Starts a worker or a process that becomes a node, and returns who it is and the link to it. */
export function startChild(options: ForkOptions, place: Omit<ChildPlace, "identity">): Started {
  const fields = ["module", "program", "data", "permissions", "isolation", "onParent"];
  checkFields("fork options", options, fields);
  const data = encodePayload(options.data, false);
  if (options.program !== undefined) {
    return started(spawnProgram(checkProgram(options)), { ...place, data });
  }
  const { isolation = "worker", permissions = "none" } = options;
  const module = readDocument("module", options.module);
  checkReadable(module);
  if (isolation === "process") {
    const modules = [import.meta.url, module];
    const child = spawnChild(sourceOf("process", module), permissions, modules);
    return started(child, { ...place, data });
  }
  if (isolation !== "worker") fail("isolation", '"worker" or "process"', isolation);
  const identity = drawIdentity();
  const source = encodeURIComponent(sourceOf("worker", module));
  const worker = new Worker(`data:text/javascript,${source}`, {
    type: "module",
    deno: { permissions },
  });
  const boot: Boot = { ...place, identity, data };
  return { identity, link: new PortLink(worker, () => worker.terminate(), boot) };
}

function started({ pid, link }: Spawned, boot: Omit<Boot, "identity">): Started {
  const identity = drawIdentity(pid);
  const { drainMs } = boot.options;
  return { identity, link: link({ ...boot, identity } satisfies Boot, drainMs) };
}

/** A program has its permissions among its flags, and is a process. */
function checkProgram(
  { program, module, permissions, isolation = "process" }: ForkOptions,
): ForkProgram {
  checkFields("program", program, ["main", "args", "flags"]);
  const { main, args = [], flags = [] } = program!;
  if (module !== undefined) fail("module", "no module where there is a program", module);
  if (permissions !== undefined) fail("permissions", "flags of the program instead", permissions);
  if (isolation !== "process") fail("isolation", '"process" for a program', isolation);
  for (const text of args) if (typeof text !== "string") fail("program.args", "texts", text);
  for (const flag of flags) {
    if (typeof flag !== "string" || !flag.startsWith("-")) fail("program.flags", "flags", flag);
  }
  return { main: readDocument("program.main", main), args, flags };
}

/** The module that a child starts from. What it names loads with the rights to start it. */
function sourceOf(kind: "process" | "worker", module: string): string {
  const entry = new URL(`./${kind}_child.ts`, import.meta.url).href;
  return [
    // Before the module, which may take as long as it likes to load.
    ...(kind === "process" ? [`import ${JSON.stringify(watchUrl())};`] : []),
    `import { runChild } from ${JSON.stringify(entry)};`,
    `import main from ${JSON.stringify(module)};`,
    `runChild(main);`,
  ].join("\n");
}

function watchUrl(): string {
  const watch = new URL("./parent_watch.ts", import.meta.url).href;
  const source = `import { watchParent } from ${JSON.stringify(watch)};\nwatchParent(${Deno.pid});`;
  return `data:text/javascript,${encodeURIComponent(source)}`;
}

/** A worker's modules load with the rights of this isolate, so what it may not read is refused before anything starts. */
function checkReadable(module: string): void {
  if (!module.startsWith("file:")) return;
  const { state } = Deno.permissions.querySync({ name: "read", path: new URL(module) });
  if (state === "granted") return;
  throw new Deno.errors.NotCapable(
    `Cannot start a child: it needs --allow-read=${decodeURIComponent(new URL(module).pathname)}`,
  );
}
