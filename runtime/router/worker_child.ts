/**
 * What runs inside a worker that is a node: it learns its place from its parent, and then runs the user's function.
 *
 * The parent is trusted, the worker is not trusted by the parent.
 *
 * @module
 */

import { begin } from "./begin.ts";
import { TreeNode } from "./executor.ts";
import type { Boot } from "./fork.ts";
import { ASK, type Endpoint, PortLink } from "./port_link.ts";
import type { NodeMain } from "./types.ts";

/** What a worker's global scope has, as far as it is used here. */
interface WorkerScope extends Endpoint {
  close(): void;
}

/** Asks the parent for this node's place, and begins when it is told. */
export function runChild(main: NodeMain): void {
  const scope = globalThis as unknown as WorkerScope;
  scope.addEventListener("message", function begin(event) {
    const boot = (event as MessageEvent).data as Boot;
    // The parent's call whether this side is there may come first.
    if (typeof boot !== "object") return;
    scope.removeEventListener("message", begin);
    run(scope, main, boot);
  });
  scope.postMessage(ASK);
}

function run(scope: WorkerScope, main: NodeMain, boot: Boot): void {
  const { identity, alias, parent, parentAlias, rootPid, above, options, data } = boot;
  const node = new TreeNode({ identity, alias, rootPid, above, options });
  // The parent ends the worker when it has heard the goodbye; a worker whose parent is gone ends itself.
  void node.ended.then(() => setTimeout(() => scope.close(), 1000));
  const peer = { identity: parent, alias: parentAlias, direction: "parent" } as const;
  node.attach(new PortLink(scope, () => {}), peer, () => begin(node, main, data));
}
