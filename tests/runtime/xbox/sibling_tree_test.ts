import assert from "node:assert/strict";
import { tree } from "../../../mod.ts";
import type { SiblingBox } from "../../../runtime/xbox/siblings.ts";
import { killProcess } from "../../support/machine.ts";
import { type Said, TICK_MS, type Told } from "./sibling_child.ts";
import { until } from "./sibling_pair.ts";

/** What a box has said, and when it last gave a sign of life. */
interface Heard {
  said: Said[];
  tickedAt: number;
  longestGapMs: number;
}

/** A root in the place of a supervisor, and boxes in processes of their own. */
class Forest implements AsyncDisposable {
  readonly pids: number[] = [];
  readonly #root = tree.root({ routing: "learned", onParentLost: "continue" });
  readonly #heard = new Map<number, Heard>();
  #boxes: SiblingBox[] = [];

  static async grow(count: number): Promise<Forest> {
    const forest = new Forest();
    forest.#root.addListener({
      onMessageReceived: ({ source, payload }) => forest.#hear(source, payload as Said),
      onPeerShutdown: (_node, { pid }) => forest.#tellBoxes((box) => box.pid !== pid),
    });
    for (let index = 1; index <= count; index++) forest.fork(`box-${index}`);
    await until("all are ready", () => forest.pids.every((pid) => forest.has(pid, "ready")));
    return forest;
  }

  fork(alias: string): number {
    const module = new URL("./sibling_child.ts", import.meta.url);
    const permissions = { env: true, read: true };
    const pid = this.#root.fork(alias, { module, isolation: "process", permissions });
    this.pids.push(pid);
    this.#heard.set(pid, { said: [], tickedAt: 0, longestGapMs: 0 });
    this.#boxes.push({ alias, pid, serving: true });
    this.#tellBoxes(() => true);
    return pid;
  }

  tell(pid: number, told: Told): void {
    this.#root.submit(told, pid);
  }

  /** Waits for the next thing of a kind that a box says. */
  async next<S extends Said["said"]>(pid: number, kind: S): Promise<Extract<Said, { said: S }>> {
    const { said } = this.#heard.get(pid)!;
    await until(`${pid} says ${kind}`, () => this.has(pid, kind));
    const at = said.findIndex((one) => one.said === kind);
    return said.splice(at, 1)[0] as Extract<Said, { said: S }>;
  }

  has(pid: number, kind: Said["said"]): boolean {
    return this.#heard.get(pid)!.said.some((one) => one.said === kind);
  }

  /** The longest time without a sign of life since this was asked last. */
  gap(pid: number): number {
    const heard = this.#heard.get(pid)!;
    const gap = Math.max(heard.longestGapMs, performance.now() - heard.tickedAt);
    heard.longestGapMs = 0;
    return gap;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const pid of this.#root.getAlivedChildren()) {
      this.#root.killNode(pid, "SIGKILL", { real: true });
    }
    await this.#root.close();
  }

  #tellBoxes(keeps: (box: SiblingBox) => boolean): void {
    this.#boxes = this.#boxes.filter(keeps);
    if (this.#root.isShutdown()) return;
    for (const { pid } of this.#boxes) this.tell(pid, { do: "boxes", boxes: this.#boxes });
  }

  #hear(pid: number, said: Said): void {
    const heard = this.#heard.get(pid)!;
    if (said.said !== "tick") return void heard.said.push(said);
    const now = performance.now();
    if (heard.tickedAt > 0) heard.longestGapMs = Math.max(heard.longestGapMs, now - heard.tickedAt);
    heard.tickedAt = now;
  }
}

Deno.test("Messages, large values and errors cross between two processes", async () => {
  await using forest = await Forest.grow(2);
  const [a] = forest.pids as [number, number];
  forest.tell(a, { do: "send", to: "box-2", count: 200, bytes: 100 });
  assert.deepEqual((await forest.next(a, "sent")).codes, { "200": 200 });
  forest.tell(a, { do: "send", to: "box-2", count: 64, bytes: 1 << 20, timeoutMs: 30_000 });
  assert.deepEqual((await forest.next(a, "sent")).codes, { "200": 64 });
  forest.tell(a, { do: "send", to: "box-2", count: 1, bytes: 0, what: "fail" });
  const failed = { "RangeError by TypeError receiver true": 1 };
  assert.deepEqual((await forest.next(a, "sent")).codes, failed);
});

Deno.test.each([100, 1 << 20])(
  "64 messages of %d bytes in flight leave the tree free for its own duties",
  async (bytes) => {
    await using forest = await Forest.grow(2);
    const [a, b] = forest.pids as [number, number];
    for (const [pid, to] of [[a, "box-2"], [b, "box-1"]] as const) {
      forest.tell(pid, { do: "flood", to, inFlight: 64, bytes });
    }
    for (let turn = 0; turn < 20; turn++) {
      for (const pid of [a, b]) {
        forest.tell(pid, { do: "ping" });
        await forest.next(pid, "pong");
      }
    }
    // A supervisor gives up whoever is silent for 5 seconds.
    for (const pid of [a, b]) assert.ok(forest.gap(pid) < 2000 + TICK_MS, `${forest.gap(pid)} ms`);
    for (const pid of [a, b]) forest.tell(pid, { do: "stop" });
    for (const pid of [a, b]) {
      const { count, failed } = await forest.next(pid, "stopped");
      assert.deepEqual(failed, []);
      assert.ok(count >= 64);
    }
  },
);

Deno.test("A sibling that is killed ends what it had at once, and its successor is reached", async () => {
  await using forest = await Forest.grow(2);
  const [a, b] = forest.pids as [number, number];
  forest.tell(a, {
    ...{ do: "send", to: "box-2", count: 5, bytes: 0, what: "hang", timeoutMs: 60_000 },
  });
  for (let index = 0; index < 5; index++) await forest.next(b, "arrived");
  killProcess(b);
  assert.deepEqual((await forest.next(a, "sent")).codes, { "PEER_LOST network true": 5 });
  forest.tell(a, { do: "send", to: "box-2", count: 1, bytes: 0 });
  assert.deepEqual((await forest.next(a, "sent")).codes, { "UNREACHABLE_PEER network false": 1 });
  const next = forest.fork("box-2");
  await forest.next(next, "ready");
  forest.tell(a, { do: "send", to: "box-2", count: 1, bytes: 0 });
  assert.deepEqual((await forest.next(a, "sent")).codes, { "200": 1 });
});

Deno.test("A sibling that is stopped keeps nobody waiting, and stands in nobody's way", async () => {
  await using forest = await Forest.grow(3);
  const [a, b] = forest.pids as [number, number];
  killProcess(b, "STOP");
  try {
    forest.tell(a, { do: "send", to: "box-2", count: 100, bytes: 1 << 20, timeoutMs: 1000 });
    forest.tell(a, { do: "send", to: "box-3", count: 100, bytes: 100 });
    assert.deepEqual((await forest.next(a, "sent")).codes, { "200": 100 });
    const { codes } = await forest.next(a, "sent");
    const sent = codes["DEADLINE_EXCEEDED network true"] ?? 0;
    assert.ok(sent > 0, JSON.stringify(codes));
    assert.equal(codes["DEADLINE_EXCEEDED network false"], 100 - sent);
    assert.ok(forest.gap(a) < 2000);
  } finally {
    killProcess(b, "CONT");
  }
  await until("it goes on", () => forest.gap(b) < 500);
  forest.tell(a, { do: "send", to: "box-2", count: 10, bytes: 100 });
  assert.deepEqual((await forest.next(a, "sent")).codes, { "200": 10 });
});
