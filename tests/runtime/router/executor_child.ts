import type { tree } from "../../../mod.ts";

/** A node that sends something before its function has returned, and tells when its loop begins. */
export default async function (executor: tree.Executor, exitCode: number) {
  executor.submit("at once", "root");
  executor.addListener({
    onStart: () => void executor.submit("loop", "root"),
    onShutdown: () => void executor.submit("last words", "root"),
    onMessageReceived: ({ payload }) => {
      if (payload === "end") executor.shutdown();
    },
  });
  executor.setProcessExitCode(exitCode);
  await Promise.resolve();
  executor.submit("ready", "root");
}
