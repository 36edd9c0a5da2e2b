/**
 * The first node of a tree.
 *
 * @module
 */

import { drawIdentity } from "./address.ts";
import { TreeNode } from "./executor.ts";
import { resolveTreeOptions, type TreeOptions } from "./options.ts";
import type { Executor } from "./types.ts";

/**
 * Makes the root of a new tree: a node with the pid of this process and the alias `root`.
 *
 * @throws {TypeError} if an option is of the wrong type or unknown
 * @throws {RangeError} if a number is out of range
 *
 * @example Usage
 * ```ts ignore
 * import { tree } from "@tandem/tandem";
 *
 * await using root = tree.root();
 * root.addListener({ onMessageReceived: ({ source, payload }) => console.log(source, payload) });
 * root.fork("crawler", {
 *   module: new URL("./crawler.ts", import.meta.url),
 *   permissions: { net: ["example.com"] },
 * });
 * root.submit({ crawl: "/sitemap" }, "crawler", { ack: true, timeoutMs: 1000 });
 * ```
 */
export function root(options?: TreeOptions): Executor {
  const identity = drawIdentity(Deno.pid);
  const resolved = resolveTreeOptions(options);
  return new TreeNode({ identity, alias: "root", rootPid: identity.pid, options: resolved });
}
