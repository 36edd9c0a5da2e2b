import type { tree } from "../../../mod.ts";

/** A node that has something to finish when its parent's link has ended, for so many milliseconds. */
export default function (executor: tree.Executor, ms: number) {
  executor.setProcessExitCode(7);
  executor.addListener({
    onMessageReceived: () => executor.shutdown(),
    onPeerShutdown: () => new Promise((resolve) => setTimeout(resolve, ms)),
  });
}
