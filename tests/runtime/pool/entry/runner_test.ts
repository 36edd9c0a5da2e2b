import assert from "node:assert/strict";
import {
  type Outcome,
  Runner,
  type RunnerOptions,
  type TaskRun,
} from "../../../../runtime/pool/entry/runner.ts";
import {
  type AnswerMessage,
  FLAGS,
  newRing,
  RESET_ID,
  Ring,
  type TaskMessage,
} from "../../../../runtime/pool/protocol.ts";
import { until } from "../../http/support.ts";

const turn = () => new Promise((resolve) => setTimeout(resolve));

/** A runner between a pool and a kind that are the test's. */
function runner(work: RunnerOptions["work"], options: Partial<RunnerOptions> = {}) {
  const memory = newRing();
  const ring = new Ring(memory);
  const messages: AnswerMessage[][] = [];
  const idle: boolean[] = [];
  let give = (_: unknown[]) => {};
  let leave = () => {};
  let frames = 0;
  const started = new Runner({
    ring: memory,
    concurrency: 1,
    channel: {
      take: (take, last) => [give, leave] = [take, last!],
      post: (list, transfer) => void messages.push(structuredClone(list, { transfer }) as never),
      setOpening: () => {},
    },
    work,
    frame: (_run, serve) => (frames++, serve()),
    onFrameError: (error) => assert.fail(String(error)),
    idle: (cancelled) => void idle.push(cancelled),
    isDue: () => false,
    ...options,
  });
  /** Tasks with these ids, in their places. */
  const tasks = (ids: number[], over: { ms?: number; lent?: boolean } = {}): TaskMessage[] =>
    ids.map((id) => [id, ring.put(id), `payload ${id}`, over.ms ?? 0, over.lent ?? false]);
  return {
    ring,
    runner: started,
    messages,
    idle,
    tasks,
    send: (list: TaskMessage[]) => give(list),
    leave: () => leave(),
    get frames() {
      return frames;
    },
    get answers() {
      return messages.flat();
    },
  };
}

/** Works that end when the test says so. */
function gates() {
  const begun: number[] = [];
  const end = new Map<number, (outcome: Outcome) => void>();
  const work = ({ id }: TaskRun) => {
    begun.push(id);
    return new Promise<Outcome>((resolve) => end.set(id, resolve));
  };
  return { begun, work, end: (id: number, value: unknown = id) => end.get(id)!({ value }) };
}

const echo = (packs: boolean) => ({ id, payload }: TaskRun): Promise<Outcome> =>
  Promise.resolve({ value: [id, payload], packs });
const idsOf = (list: readonly AnswerMessage[]) => list.map(([id]) => id);

Deno.test("Runner runs tasks one after another, in the order in which they came", async () => {
  const { begun, work, end } = gates();
  const box = runner(work);
  box.send(box.tasks([3, 1]));
  box.send(box.tasks([2]));
  for (const [i, id] of [3, 1, 2].entries()) {
    assert.deepEqual(begun, [3, 1, 2].slice(0, i + 1));
    end(id);
    await turn();
  }
  assert.deepEqual(idsOf(box.answers), [3, 1, 2]);
  assert.deepEqual([box.frames, box.idle], [3, [false, false, false]]);
});

Deno.test("Runner runs as many tasks at once as it may", async () => {
  const { begun, work, end } = gates();
  const box = runner(work, { concurrency: 2 });
  box.send(box.tasks([1, 2, 3, 4]));
  assert.deepEqual(begun, [1, 2]);
  end(2);
  await turn();
  assert.deepEqual(begun, [1, 2, 3]);
  assert.deepEqual(box.idle, [], "others still run");
  for (const id of [1, 3]) end(id);
  await turn();
  end(4);
  await until(() => box.idle.length === 1);
  assert.deepEqual(idsOf(box.answers), [2, 1, 3, 4]);
});

Deno.test("Runner runs a lent task at once, beside the one that waits for it", async () => {
  const { begun, work, end } = gates();
  const box = runner(work);
  box.send(box.tasks([1, 2]));
  box.send(box.tasks([3], { lent: true }));
  assert.deepEqual(begun, [1, 3]);
  end(3);
  await turn();
  assert.deepEqual(begun, [1, 3], "the place of the one that waits is not free");
  end(1);
  await turn();
  assert.deepEqual(begun, [1, 3, 2]);
  end(2);
  await until(() => box.answers.length === 3);
});

Deno.test("Runner skips what was taken back", async () => {
  const { begun, work, end } = gates();
  const box = runner(work);
  const list = box.tasks([1, 2, 3]);
  box.send(list);
  assert.equal(box.ring.takeBack(list[1]![1], 2), true);
  assert.equal(box.ring.takeBack(list[0]![1], 1), false, "it has begun");
  end(1);
  await turn();
  assert.deepEqual(begun, [1, 3]);
  end(3);
  await until(() => box.idle.length === 2);
  assert.deepEqual(idsOf(box.answers), [1, 3]);
});

Deno.test("Runner sends what is answered before a task ends the worker", async () => {
  const seen: number[] = [];
  const box = runner((run) => {
    if (run.id === 3) {
      box.leave();
      seen.push(...idsOf(box.answers));
    }
    return echo(true)(run);
  });
  box.send(box.tasks([1, 2, 3, 4]));
  await until(() => box.answers.length === 4);
  assert.deepEqual(seen, [1, 2]);
});

Deno.test("Runner packs the answers of quick tasks into one message, in order", async () => {
  const box = runner(echo(true));
  const ids = Array.from({ length: 40 }, (_, i) => i + 1);
  box.send(box.tasks(ids));
  await until(() => box.answers.length === 40);
  assert.deepEqual(idsOf(box.answers), ids);
  assert.ok(box.messages.length < 20, `${box.messages.length} messages`);
  for (const { length } of box.messages) assert.ok(length >= 1 && length <= 32, `${length}`);
  assert.deepEqual(box.answers[4]!.slice(0, 3), [5, 0, [5, "payload 5"]]);
});

Deno.test("Runner lets no answer wait for a task that takes its time", async () => {
  const { work, end } = gates();
  const box = runner((run) => run.id === 1 ? echo(true)(run) : work(run));
  box.send(box.tasks([1, 2, 3]));
  await turn();
  assert.deepEqual(idsOf(box.answers), [1]);
  end(2);
  await turn();
  end(3);
  await until(() => box.answers.length === 3);
});

Deno.test("Runner sends what may hold anything in messages of its own, as it is then", async () => {
  const shared = { n: 0 };
  const box = runner(({ id }) => Promise.resolve({ value: Object.assign(shared, { n: id }) }));
  box.send(box.tasks([1, 2, 3]));
  await until(() => box.answers.length === 3);
  assert.deepEqual(box.messages.map(({ length }) => length), [1, 1, 1]);
  assert.deepEqual(box.answers.map(([, , value]) => value), [{ n: 1 }, { n: 2 }, { n: 3 }]);
});

Deno.test("Runner fails a task alone whose value cannot be cloned, and wants a reset then", async () => {
  const box = runner(
    ({ id }) => Promise.resolve(id === 2 ? { value: () => {} } : { value: id, packs: true }),
    { isDue: (failed) => failed },
  );
  box.send(box.tasks([1, 2, 3]));
  await until(() => box.answers.length === 3);
  const byId = new Map(box.answers.map((answer) => [answer[0], answer]));
  assert.deepEqual([byId.get(1)![2], byId.get(3)![2]], [1, 3]);
  const [, flags, value] = byId.get(2)!;
  assert.equal(flags, FLAGS.error | FLAGS.reset);
  assert.equal((value as { name: string }).name, "DataCloneError");
});

Deno.test("Runner answers with what a task threw, whatever that is", async () => {
  const thrown = [new RangeError("no"), "text", null, undefined, { toString: 1 }];
  const box = runner(({ id }) => Promise.reject(thrown[id - 1]));
  box.send(box.tasks([1, 2, 3, 4, 5]));
  await until(() => box.answers.length === 5);
  for (const [, flags, value] of box.answers) {
    assert.equal(flags, FLAGS.error);
    assert.equal(typeof (value as { message: string }).message, "string");
  }
  assert.deepEqual(box.answers[0]![2], {
    ...box.answers[0]![2] as object,
    name: "RangeError",
    message: "no",
  });
});

Deno.test("Runner answers before the work that comes after, and says when that is done", async () => {
  const { promise, resolve } = Promise.withResolvers<void>();
  const box = runner(({ id }) =>
    Promise.resolve(id === 1 ? { value: "a", after: () => promise } : { value: "b" })
  );
  box.send(box.tasks([1, 2]));
  await turn();
  assert.deepEqual(box.answers.map((answer) => answer.slice(0, 3)), [[1, FLAGS.open, "a"]]);
  assert.deepEqual(box.idle, [], "the task has not ended");
  resolve();
  await until(() => box.answers.length === 3);
  assert.deepEqual(box.answers.slice(1).map((answer) => answer.slice(0, 3)), [
    [1, FLAGS.done, null],
    [2, 0, "b"],
  ]);
});

Deno.test("Runner moves what an answer says, and asks for a reset when that is due", async () => {
  const seen: boolean[] = [];
  const bytes = new Uint8Array(8);
  const box = runner(
    ({ id }) => {
      if (id === 2) throw new Error("no");
      return Promise.resolve({ value: bytes, transfer: [bytes.buffer], packs: true });
    },
    { isDue: (failed) => (seen.push(failed), failed) },
  );
  box.send(box.tasks([1, 2]));
  await until(() => box.answers.length === 2);
  assert.equal(bytes.byteLength, 0);
  assert.ok(seen.includes(true));
  assert.equal(seen[0], false);
  assert.deepEqual(box.answers.map(([, flags]) => flags), [0, FLAGS.error | FLAGS.reset]);
});

Deno.test("Runner.cancel() aborts the task, no other, and tells what is tidied", async () => {
  const aborted: [number, unknown][] = [];
  const { work, end } = gates();
  const box = runner((run) => {
    run.signal.addEventListener("abort", () => aborted.push([run.id, run.signal.reason]));
    return work(run);
  }, { concurrency: 2 });
  box.send(box.tasks([1, 2, 3]));
  box.runner.cancel(1, "nobody waits");
  for (const id of [3, 99, NaN]) box.runner.cancel(id, "it does not run");
  assert.deepEqual(aborted.map(([id]) => id), [1]);
  assert.equal((aborted[0]![1] as { code: string }).code, "CANCELLED");
  assert.match(`${aborted[0]![1]}`, /nobody waits/);
  end(1);
  await turn();
  for (const id of [2, 3]) end(id);
  await until(() => box.idle.length === 1);
  box.send(box.tasks([4]));
  end(4);
  await until(() => box.idle.length === 2);
  assert.deepEqual(box.idle, [true, false], "only where it was cancelled");
  box.runner.cancel(1, "it is over");
});

Deno.test("TaskRun counts its time from its start, and has no limit without one", async () => {
  const runs: TaskRun[] = [];
  const box = runner((run) => (runs.push(run), Promise.resolve({ value: 1 })));
  box.send(box.tasks([1], { ms: 500 }));
  box.send(box.tasks([2]));
  await until(() => runs.length === 2);
  assert.equal(runs[0]!.deadline, runs[0]!.startedAt + 500);
  assert.equal(runs[1]!.deadline, Infinity);
  assert.deepEqual(runs.map(({ wasCancelled }) => wasCancelled), [false, false]);
});

Deno.test("Runner asks for a reset beside a task that runs on, when another comes that waits for it", async () => {
  let isDue = false;
  const { work, end } = gates();
  const box = runner(work, { concurrency: 2, isDue: () => isDue });
  box.send(box.tasks([1]));
  isDue = true;
  const [late] = box.tasks([2]);
  for (let times = 0; times < 2; times++) box.send([late!]);
  assert.deepEqual(box.answers, [[RESET_ID, FLAGS.reset, null, 0]]);
  assert.ok(box.ring.takeBack(late![1], 2), "it has begun");
  end(1);
  await until(() => box.idle.length === 1);
  await turn();
  assert.deepEqual(box.answers.map(([id, flags]) => [id, flags]), [[RESET_ID, FLAGS.reset], [
    1,
    FLAGS.reset,
  ]]);
});

Deno.test("Runner without a ring begins with all that it is sent, and gives back what a reset keeps waiting", async () => {
  let due = false;
  const gate = gates();
  const it = runner(gate.work, { ring: undefined, isDue: () => due });
  const task = (id: number): TaskMessage => [id, -1, "payload", 0, false];
  it.send([task(1), task(2), task(3)]);
  assert.deepEqual(gate.begun, [1]);
  due = true;
  gate.end(1);
  await until(() => it.answers.length >= 3);
  assert.deepEqual(gate.begun, [1]);
  assert.deepEqual(it.answers.map(([id, flags]) => [id, flags]), [
    [1, FLAGS.reset],
    [2, FLAGS.back],
    [3, FLAGS.back],
  ]);
});
