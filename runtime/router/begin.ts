/**
 * The beginning of a child's own function.
 *
 * @module
 */

import type { TreeNode } from "./executor.ts";
import { decodePayload, type Payload } from "./payload.ts";
import type { NodeMain } from "./types.ts";

/** Calls the function of a child, whose loop begins when it has ended. A failure ends the child. */
export function begin(node: TreeNode, main: NodeMain, data: Payload): void {
  const running = main(node, decodePayload(data, false));
  Promise.resolve(running).then(() => node.loop()).catch((error) => reportError(error));
}
