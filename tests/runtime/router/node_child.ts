import type { tree } from "../../../mod.ts";

/** What the root tells a node to do. */
export type Order =
  | { do: "fork"; aliases: string[]; module: string }
  | { do: "join"; group: string }
  | { do: "send"; list: [to: tree.Destination, payload: number][] }
  | { do: "report" }
  | { do: "sleep" }
  | { do: "fail" }
  | { do: "vanish" }
  | { do: "kill"; pid: number }
  | { do: "spin" }
  | { do: "stop"; code?: number };

/** A node that does what it is told, and remembers what it receives. */
export default function (executor: tree.Executor, data: unknown) {
  // Such a node has reason to live on when its parent is gone.
  if (data === "stay") setInterval(() => {}, 1000);
  const received: [source: number, payload: number][] = [];
  const lost: [peer: number, payload: unknown][] = [];
  executor.addListener({
    onMessageReceived({ source, payload, isAck }) {
      if (isAck) return;
      if (typeof payload === "number") return void received.push([source, payload]);
      return obey(payload as Order);
    },
    onPeerShutdown: (_, { pid }, all) => {
      for (const { payload } of all) lost.push([pid, payload]);
    },
  });
  function obey(order: Order): void | Promise<void> {
    switch (order.do) {
      case "fork": {
        const pids: number[] = [];
        try {
          for (const alias of order.aliases) {
            pids.push(executor.fork(alias, { module: order.module, permissions: "inherit" }));
          }
        } catch (error) {
          return void executor.submit({ refused: (error as Error).name }, "root");
        }
        return void executor.submit({ forked: pids }, "root");
      }
      case "join":
        return executor.joinGroup(order.group);
      case "send":
        for (const [to, payload] of order.list) executor.submit(payload, to);
        return;
      case "report":
        return void executor.submit({
          received,
          lost,
          data,
          pid: executor.getPid(),
          rootPid: executor.getRootPid(),
        }, "root");
      case "sleep":
        return new Promise(() => {});
      case "fail":
        setTimeout(() => {
          throw new Error("told to fail");
        });
        return;
      case "vanish":
        return Deno.exit(7);
      case "kill":
        return void executor.killNode(order.pid, 9, { real: true });
      case "spin":
        for (;;);
      case "stop":
        executor.setProcessExitCode(order.code ?? 0);
        return executor.shutdown();
    }
  }
}
