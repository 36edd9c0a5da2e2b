/**
 * A tree of fifteen nodes in processes and workers, random messages in it, and the account of what became of each.
 *
 * @module
 */

import assert from "node:assert/strict";
import { tree } from "../../../mod.ts";
import { type GrandOrder, type Line, settle } from "./grand_child.ts";
import { beside, binary, receivers, untilAsync } from "./support.ts";

const MODULE = new URL("./grand_child.ts", import.meta.url).href;

/** The tree: a whole one of fifteen nodes. */
export const PARENTS: readonly number[] = binary(15);

/** Children of a process and of a worker, with children of both kinds and without any. */
export const PROCESSES: readonly number[] = [1, 2, 3, 5, 14];

/** One message: who sends it, to whom, and who has to get it. */
export interface GrandMessage {
  origin: number;
  to: { index: number; by: "alias" | "pid" } | { group: number } | "all";
  expected: number[];
}

/** Draws messages: two of ten to everybody, two to a group, one by alias, the others by pid. */
export function draw(count: number, random: (below: number) => number): GrandMessage[] {
  return Array.from({ length: count }, () => {
    const origin = random(PARENTS.length);
    const kind = random(10);
    let index = random(PARENTS.length);
    while (index === origin) index = random(PARENTS.length);
    const to: GrandMessage["to"] = kind < 2
      ? "all"
      : kind < 4
      ? { group: index % 3 }
      : { index, by: kind === 4 ? "alias" : "pid" };
    const takes = (node: number) =>
      to === "all" || ("group" in to ? node % 3 === to.group : node === index);
    return { origin, to, expected: receivers(PARENTS, origin, takes, false) };
  });
}

/** The tree while it stands, and its logs afterwards. */
export class Grand implements AsyncDisposable {
  readonly root: tree.Executor;
  readonly #folder = Deno.makeTempDirSync({ dir: "/tmp", prefix: "tandem_grand_" });
  readonly #own: Line[] = [];
  #pids: number[] = [];

  constructor(options?: tree.TreeOptions) {
    this.root = tree.root(options);
    const station = { index: 0, parents: PARENTS, processes: PROCESSES };
    settle(
      this.root,
      { ...station, folder: this.#folder, module: MODULE },
      (line) => void this.#own.push(line),
    );
  }

  /** The log of a node. */
  async log(index: number): Promise<Line[]> {
    if (index === 0) return this.#own;
    try {
      const text = await Deno.readTextFile(`${this.#folder}/${index}`);
      return text.split("\n").slice(0, -1).map((line) => JSON.parse(line));
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) return [];
      throw error;
    }
  }

  /** All logs. */
  logs(): Promise<Line[][]> {
    return Promise.all(PARENTS.map((_, index) => this.log(index)));
  }

  /** Waits until all nodes stand, and returns their pids. */
  async pids(): Promise<number[]> {
    await untilAsync("the tree stands", async () => {
      const pids = [this.root.getPid()];
      for (const lines of await this.logs()) {
        for (const line of lines) if (line[0] === "c") pids[line[1]] = line[2];
      }
      this.#pids = pids;
      return PARENTS.every((_, index) => pids[index] !== undefined);
    });
    return this.#pids;
  }

  /** Gives every node its part of the messages to send. */
  send(messages: readonly GrandMessage[]): void {
    const lists = PARENTS.map((): [tree.Destination, number][] => []);
    messages.forEach(({ origin, to }, number) => {
      const destination: tree.Destination = to === "all"
        ? { all: true }
        : "group" in to
        ? { group: `every ${to.group}` }
        : to.by === "pid"
        ? this.#pids[to.index]!
        : to.index === 0
        ? "root"
        : `n${to.index}`;
      lists[origin]!.push([destination, number]);
    });
    lists.forEach((list, index) => {
      if (index > 0) this.#order(index, { do: "send", list });
    });
    // The root has no link to itself.
    let at = 0;
    const some = () => {
      for (const [to, number] of lists[0]!.slice(at, at += 20)) {
        this.root.submit(number, to);
        this.#own.push(["s", number]);
      }
      if (at < lists[0]!.length) setTimeout(some);
      else this.#own.push(["e"]);
    };
    some();
  }

  #order(index: number, order: GrandOrder): void {
    this.root.submit(order, this.#pids[index]!);
  }

  /** Kills a node: a process by the system and from outside, a worker by its parent. */
  async kill(index: number): Promise<void> {
    const pid = this.#pids[index]!;
    if (PROCESSES.includes(index)) return await shell(`kill -9 ${pid}`);
    const parent = PARENTS[index]!;
    if (parent === 0) this.root.killNode(pid, 9, { real: true });
    else this.#order(parent, { do: "kill", pid });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.root.close();
    const processes = PROCESSES.map((index) => this.#pids[index]!).filter(Boolean);
    try {
      await untilAsync("no process is left", async () => {
        const left = await Promise.all(processes.map((pid) => isAlive(pid)));
        return left.every((alive) => !alive);
      });
    } finally {
      await Deno.remove(this.#folder, { recursive: true });
    }
  }
}

async function shell(command: string): Promise<void> {
  const { code } = await new Deno.Command("sh", { args: ["-c", command] }).output();
  assert.equal(code, 0, command);
}

/** Whether there is a process of this pid. */
export async function isAlive(pid: number): Promise<boolean> {
  const { code } = await new Deno.Command("sh", {
    args: ["-c", `kill -0 ${pid}`],
    stderr: "null",
  }).output();
  return code === 0;
}

/** The nodes of a subtree. */
export function below(index: number): number[] {
  const children = PARENTS.flatMap((parent, child) => parent === index ? [child] : []);
  return [index, ...children.flatMap((child) => below(child))];
}

/** What a node got from an origin, in order. */
function got(lines: readonly Line[], source: number): number[] {
  return lines.flatMap((line) => line[0] === "r" && line[2] === source ? [line[1]] : []);
}

/**
 * Checks that between living nodes all arrived once, in the order of sending, and nowhere else; and that from dead ones the first
 * part of what they had to send did.
 */
export function checkArrivals(
  messages: readonly GrandMessage[],
  logs: readonly Line[][],
  pids: readonly number[],
  dead: ReadonlySet<number>,
): void {
  for (const receiver of PARENTS.keys()) {
    if (dead.has(receiver)) continue;
    let total = 0;
    for (const origin of PARENTS.keys()) {
      const wanted = [...messages.keys()].filter((number) =>
        messages[number]!.origin === origin && messages[number]!.expected.includes(receiver)
      );
      const found = got(logs[receiver]!, pids[origin]!);
      const due = dead.has(origin) ? wanted.slice(0, found.length) : wanted;
      assert.deepEqual(found, due, `from node ${origin} at node ${receiver}`);
      total += found.length;
    }
    const all = logs[receiver]!.filter(([kind]) => kind === "r").length;
    assert.equal(all, total, `at node ${receiver}`);
  }
}

/**
 * Checks the account of each node that was killed and whose parent lives: every message that the parent had
 * handed to it was finished by it, which its log tells, or is reported as lost; nothing else is reported, and what is reported as
 * never sent was not seen there. All nodes have to be spies.
 *
 * @returns How many messages were lost.
 */
export function checkLosses(
  messages: readonly GrandMessage[],
  logs: readonly Line[][],
  pids: readonly number[],
  killed: readonly number[],
): number {
  let total = 0;
  for (const victim of killed) {
    const parent = PARENTS[victim]!;
    const inside = new Set(below(victim));
    const lines = logs[parent]!;
    const end = lines.findIndex((line) => line[0] === "g" && line[1] === pids[victim]);
    assert.ok(end >= 0, `node ${parent} does not report node ${victim}`);
    const lost = new Map((lines[end] as Line & { 0: "g" })[2] as [number, tree.Certainty][]);
    const gone = new Set<number>();
    const handed = new Set(
      lines.slice(0, end).flatMap((line) => {
        if (line[0] === "g") gone.add(line[1]);
        if (line[0] !== "r" && line[0] !== "f" && line[0] !== "s") return [];
        const { origin, to } = messages[line[1]]!;
        if (inside.has(origin)) return [];
        const target = typeof to === "object" && "index" in to ? to : undefined;
        if (target?.index === parent) return [];
        // What is for a neighbour takes only its link, as long as there is one.
        const direct = line[0] === "s" && target?.by === "pid" &&
          beside(PARENTS, parent).includes(target.index) && !gone.has(pids[target.index]!);
        return direct && target.index !== victim ? [] : [line[1]];
      }),
    );
    const seen = new Set(
      logs[victim]!.flatMap((line) =>
        (line[0] === "r" || line[0] === "f") && !inside.has(messages[line[1]]!.origin)
          ? [line[1]]
          : []
      ),
    );
    for (const number of handed) {
      assert.ok(
        lost.has(number) || seen.has(number),
        `message ${number} vanished at node ${victim}`,
      );
    }
    for (const [number, certainty] of lost) {
      assert.ok(handed.has(number), `message ${number} is reported by node ${parent}, wrongly`);
      if (certainty === "never-sent") assert.ok(!seen.has(number), `message ${number} was sent`);
    }
    for (const number of seen) assert.ok(handed.has(number), `message ${number} came from nowhere`);
    total += lost.size;
  }
  return total;
}

/** Runs messages through a whole tree. */
export async function runWhole(
  count: number,
  random: (below: number) => number,
  options?: tree.TreeOptions,
): Promise<void> {
  await using grand = new Grand({ drainMs: 10_000, ...options });
  const pids = await grand.pids();
  const messages = draw(count, random);
  grand.send(messages);
  await finished(grand, messages, new Set());
  await grand.root.close();
  const logs = await grand.logs();
  checkArrivals(messages, logs, pids, new Set());
  for (const lines of logs) {
    assert.deepEqual(lines.filter(([kind]) => kind === "x" || kind === "f"), []);
    for (const line of lines) if (line[0] === "g") assert.deepEqual(line[2], []);
  }
}

/** Waits until the living have got all that they get from the living. */
async function finished(
  grand: Grand,
  messages: readonly GrandMessage[],
  dead: ReadonlySet<number>,
): Promise<void> {
  const due = PARENTS.map((_, index) =>
    messages.filter(({ origin, expected }) => !dead.has(origin) && expected.includes(index)).length
  );
  const pids = await grand.pids();
  const lost = new Set([...dead].map((index) => pids[index]));
  for (const index of PARENTS.keys()) {
    if (dead.has(index)) continue;
    const end = performance.now() + 60_000;
    for (;;) {
      const lines = await grand.log(index);
      const count = lines.filter((line) => line[0] === "r" && !lost.has(line[2])).length;
      if (count >= due[index]! || performance.now() > end) break;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }
}

/** Runs messages through a tree while some of its nodes are killed, and returns how many were lost with them. */
export async function runWithDeaths(
  count: number,
  random: (below: number) => number,
): Promise<number> {
  await using grand = new Grand({ drainMs: 10_000, spy: true, heartbeatMs: 2000 });
  const pids = await grand.pids();
  const messages = draw(count, random);
  grand.send(messages);
  const dead = new Set<number>();
  const killed: number[] = [];
  for (let times = 1; times <= 3; times++) {
    await untilAsync("some more has come to the root, or all was sent", async () => {
      const logs = await grand.logs();
      const passed = logs[0]!.filter(([kind]) => kind === "f").length;
      return passed > count * times / 10 ||
        logs.every((lines, index) => dead.has(index) || lines.some(([kind]) => kind === "e"));
    });
    const living = [...PARENTS.keys()].filter((index) => index > 0 && !dead.has(index));
    if (living.length === 0) break;
    const victim = living[random(living.length)]!;
    await grand.kill(victim);
    killed.push(victim);
    for (const index of below(victim)) dead.add(index);
  }
  await finished(grand, messages, dead);
  await untilAsync("the dead are reported", async () => {
    const logs = await grand.logs();
    return killed.every((victim) =>
      dead.has(PARENTS[victim]!) ||
      logs[PARENTS[victim]!]!.some((line) => line[0] === "g" && line[1] === pids[victim])
    );
  });
  await grand.root.close();
  const logs = await grand.logs();
  // Below a node that was killed later nobody is left to ask.
  const last = killed.filter((victim) => !dead.has(PARENTS[victim]!));
  checkArrivals(messages, logs, pids, dead);
  const lost = checkLosses(messages, logs, pids, last);
  for (const index of PARENTS.keys()) {
    if (dead.has(index)) continue;
    // Who had no dead child has lost nothing.
    for (const line of logs[index]!) {
      if (line[0] === "g" && !last.some((victim) => pids[victim] === line[1])) {
        assert.deepEqual(line[2], []);
      }
    }
  }
  return lost;
}
