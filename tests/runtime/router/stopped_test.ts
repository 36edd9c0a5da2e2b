import assert from "node:assert/strict";
import { tree } from "../../../mod.ts";
import { until, untilAsync } from "./support.ts";

const MODULE = new URL("./counting_child.ts", import.meta.url);

/** A root and a child process that counts; the system's signals come from outside. */
class Stopped implements AsyncDisposable {
  readonly root = tree.root({ heartbeatMs: 60_000 });
  readonly pid: number;
  readonly lost: tree.LostMessage[] = [];
  gone = 0;
  readonly #folder = Deno.makeTempDirSync({ dir: "/tmp", prefix: "tandem_stopped_" });

  constructor(stuckAt: number) {
    this.root.addListener({
      onPeerShutdown: (_, _peer, lost) => {
        this.gone++;
        this.lost.push(...lost);
      },
    });
    this.pid = this.root.fork("kid", {
      module: MODULE,
      isolation: "process",
      permissions: { write: [this.#folder], read: [this.#folder] },
      data: { path: `${this.#folder}/numbers`, stuckAt },
    });
  }

  /** What the child has noted. */
  async processed(): Promise<number[]> {
    try {
      const text = await Deno.readTextFile(`${this.#folder}/numbers`);
      return text.split("\n").slice(0, -1).map(Number);
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) return [];
      throw error;
    }
  }

  send(from: number, to: number): void {
    for (let number = from; number < to; number++) this.root.submit(number, this.pid);
  }

  /** Sends the child a signal; it has come when this settles. */
  async signal(name: string): Promise<void> {
    const { code } = await new Deno.Command("sh", { args: ["-c", `kill -${name} ${this.pid}`] })
      .output();
    assert.equal(code, 0);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.root.killNode(this.pid, 9, { real: true });
    await this.root.close();
    await Deno.remove(this.#folder, { recursive: true });
  }
}

Deno.test("of 1,500 messages to a process that is stopped and killed, exactly those are lost that it has not processed", async () => {
  await using stopped = new Stopped(123);
  stopped.send(0, 500);
  await until("the first are acknowledged", () => stopped.root.pendingMessages() === 500 - 123);
  await stopped.signal("STOP");
  stopped.send(500, 1500);
  await stopped.signal("KILL");
  await until("it is gone", () => stopped.gone === 1);
  const processed = await stopped.processed();
  assert.deepEqual(processed, [...Array(123).keys()]);
  assert.deepEqual(
    stopped.lost.map(({ payload }) => payload),
    Array.from({ length: 1500 - 123 }, (_, at) => 123 + at),
  );
  const maybe = stopped.lost.filter(({ certainty }) => certainty === "maybe-processed").length;
  // A window is on the way, the rest has not left.
  assert.equal(maybe, 1024);
});

Deno.test("a process that is stopped anywhere leaves each of 1,000 messages processed or lost, and no unsent one processed", async () => {
  await using stopped = new Stopped(-1);
  stopped.send(0, 1000);
  await untilAsync("it has begun", async () => (await stopped.processed()).length >= 10);
  await stopped.signal("STOP");
  stopped.send(1000, 2500);
  await stopped.signal("KILL");
  await until("it is gone", () => stopped.gone === 1);
  const processed = await stopped.processed();
  assert.deepEqual(processed, [...processed.keys()]);
  assert.ok(processed.length <= 1000);
  const lost = stopped.lost.map(({ payload }) => payload as number);
  // It may have processed the last few without a chance to say so, and nothing in between is missing.
  assert.ok(lost[0]! <= processed.length);
  assert.deepEqual(lost, Array.from({ length: 2500 - lost[0]! }, (_, at) => lost[0]! + at));
  for (const { payload, certainty } of stopped.lost) {
    if (certainty === "never-sent") assert.ok((payload as number) >= processed.length);
  }
});
