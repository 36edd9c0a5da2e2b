import type { tree } from "../../../mod.ts";

/** Where one node of a grand tree stands; everybody has the same plan. */
export interface Station {
  index: number;
  parents: readonly number[];
  /** The nodes that run in processes of their own. */
  processes: readonly number[];
  /** The folder that the logs are written to. */
  folder: string;
  /** The module of the children. */
  module: string;
}

/** What the root tells a node to do. */
export type GrandOrder =
  | { do: "send"; list: [to: tree.Destination, number: number][] }
  | { do: "kill"; pid: number };

/** One line of a log, in the order in which things happened at the node. */
export type Line =
  /** A message was delivered here. */
  | ["r", number: number, source: number]
  /** A message passed. */
  | ["f", number: number, source: number]
  /** A message was sent. */
  | ["s", number: number]
  /** All of the list was sent. */
  | ["e"]
  /** A neighbour is gone. */
  | ["g", pid: number, lost: [number: number, certainty: tree.Certainty][]]
  /** A child was started. */
  | ["c", index: number, pid: number]
  /** Something failed. */
  | ["x", text: string];

/** How many messages are sent in one turn of the event loop. */
const AT_ONCE = 20;

/** Logs what happens at a node, sends what it is told, and forks the children of its station. */
export function settle(
  executor: tree.Executor,
  { index, parents, processes, folder, module }: Station,
  write: (line: Line) => void,
): void {
  executor.addListener({
    onMessageReceived({ payload, source, forwarded }) {
      if (typeof payload === "number") write([forwarded ? "f" : "r", payload, source]);
      else if (!forwarded) obey(payload as GrandOrder);
    },
    onPeerShutdown: (_, { pid }, lost) => {
      const numbers = lost.flatMap(({ payload, certainty }) =>
        typeof payload === "number" ? [[payload, certainty] as [number, tree.Certainty]] : []
      );
      write(["g", pid, numbers]);
    },
    onRouterError: (_operation, _errno, text) => write(["x", text]),
  });
  parents.forEach((parent, child) => {
    if (parent !== index) return;
    const pid = executor.fork(`n${child}`, {
      module,
      isolation: processes.includes(child) ? "process" : "worker",
      permissions: { read: true, write: [folder], run: ["deno"], env: true },
      data: { index: child, parents, processes, folder, module } satisfies Station,
    });
    write(["c", child, pid]);
  });
  executor.joinGroup(`every ${index % 3}`);
  function obey(order: GrandOrder): void {
    if (order.do === "kill") executor.killNode(order.pid, 9, { real: true });
    else send(order.list, 0);
  }
  function send(list: [to: tree.Destination, number: number][], from: number): void {
    if (executor.isShutdown()) return;
    for (const [to, number] of list.slice(from, from + AT_ONCE)) {
      executor.submit(number, to);
      write(["s", number]);
    }
    if (from + AT_ONCE < list.length) setTimeout(() => send(list, from + AT_ONCE));
    else write(["e"]);
  }
}

/** A node whose log is a file, which also tells of it when it was killed. */
export default function (executor: tree.Executor, station: Station) {
  const file = Deno.openSync(`${station.folder}/${station.index}`, { append: true, create: true });
  const encoder = new TextEncoder();
  settle(executor, station, (line) => {
    const bytes = encoder.encode(`${JSON.stringify(line)}\n`);
    for (let at = 0; at < bytes.length;) at += file.writeSync(bytes.subarray(at));
  });
}
