/**
 * What runs inside a process that is a node: it learns its place from its parent, and then runs the user's function.
 *
 * @module
 */

import process from "node:process";
import { begin } from "./begin.ts";
import { TreeNode } from "./executor.ts";
import type { Boot } from "./fork.ts";
import { unwatchParent } from "./parent_watch.ts";
import { type Channel, ParentLink } from "./process_link.ts";
import type { NodeMain } from "./types.ts";
import { within } from "./within.ts";

/** How long a process that ends waits for its last messages to leave, in milliseconds. */
const FLUSH_MS = 500;

/**
 * Makes this process, which `fork` started as a program, a node of its parent's tree: waits for the parent's word on its
 * place, and calls the function. It waits for that as long as the parent lives.
 *
 * @example Usage
 * ```ts ignore
 * import { tree } from "@tandem/tandem";
 *
 * tree.runChild((executor, data) => {
 *   executor.addListener({ onMessageReceived: ({ payload }) => console.log(data, payload) });
 * });
 * ```
 */
export function runChild(main: NodeMain): void {
  const channel = process as unknown as Channel;
  function orphaned(): never {
    Deno.exit(1);
  }
  process.once("disconnect", orphaned);
  process.once("message", (boot: unknown) => {
    process.off("disconnect", orphaned);
    unwatchParent();
    run(channel, main, boot as Boot);
  });
}

function run(channel: Channel, main: NodeMain, boot: Boot): void {
  const { identity, alias, parent, parentAlias, rootPid, above, options, data } = boot;
  const node = new TreeNode({ identity, alias, rootPid, above, options });
  const link = new ParentLink(channel);
  void node.ended.then(() => within(link.flushed(), FLUSH_MS)).then(() => Deno.exit(node.exitCode));
  const peer = { identity: parent, alias: parentAlias, direction: "parent" } as const;
  node.attach(link, peer, () => begin(node, main, data));
}
