import { pcntl, type tree } from "../../../mod.ts";

/** A node that tells the root which signals it has handled, as soon as it has. */
export default function (executor: tree.Executor, handled: number[]) {
  pcntl.asyncSignals(true);
  for (const signo of handled) {
    pcntl.signal(signo, (signo, info) => executor.submit({ signo, info }, "root"));
  }
  executor.addListener({
    onMessageReceived: async ({ payload, source, isAck }) => {
      if (isAck) return;
      if (payload === "wait") {
        executor.submit("waits", source);
        // Not awaited: what comes over the same link has to be handled meanwhile.
        void pcntl.sigwaitinfo([pcntl.SIGUSR2]).then((waited) =>
          executor.submit({ waited }, source)
        );
      }
      if (payload === "block") {
        pcntl.sigprocmask(pcntl.SIG_BLOCK, [pcntl.SIGTERM]);
        executor.submit("blocked", source);
      }
      if (payload === "unblock") pcntl.sigprocmask(pcntl.SIG_SETMASK, []);
      await Promise.resolve();
    },
  });
}
