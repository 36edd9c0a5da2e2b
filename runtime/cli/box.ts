/**
 * `box`: what `serve` starts each of its boxes as.
 *
 * @module
 */

import process from "node:process";
import { type Command, UsageError } from "./usage.ts";

/** The command. */
export const boxCommand: Command = {
  summary: "one of several boxes; started by serve",
  help: "tandem box\n\nOne of several boxes. It is started by serve --boxes, and by nothing else.",
  run: async (args) => {
    if (args.length > 0 || !process.connected) {
      throw new UsageError("box is started by serve --boxes, and by nothing else");
    }
    const { runChild } = await import("../router/process_child.ts");
    const { runBox } = await import("../supervisor/box_node.ts");
    runChild(runBox);
  },
};
