import type { tree } from "../../../mod.ts";

/** A node that sends back what it gets, and forks children as often as it is told. */
export default function (executor: tree.Executor, depth: number) {
  executor.addListener({
    onMessageReceived({ source, payload, isBroadcast }) {
      if (!isBroadcast) executor.submit(payload, source);
    },
  });
  for (let child = 0; child < 2 && depth > 0; child++) {
    executor.fork(undefined, { module: import.meta.url, permissions: "inherit", data: depth - 1 });
  }
}
