import assert from "node:assert/strict";
import { RuntimeError } from "../../../runtime/errors.ts";
import { blame, blameOf } from "../../../runtime/xbox/blame.ts";
import type { Carried } from "../../../runtime/xbox/carrier.ts";
import { Desk, MOST_UNANSWERED } from "../../../runtime/xbox/sibling/desk.ts";
import type { Lane } from "../../../runtime/xbox/sibling/lane.ts";
import { recordLog } from "../http/support.ts";
import { packFrame } from "../../../runtime/xbox/sibling/frames.ts";
import { withoutSiblings } from "../../../runtime/xbox/sibling/failures.ts";
import { machine, until } from "./sibling_pair.ts";

/** What went wrong with a message. */
async function failure({ answer }: Carried): Promise<RuntimeError> {
  const error = await answer.then(() => undefined, (error) => error);
  assert.ok(error instanceof Error, "it was answered");
  return error as RuntimeError;
}

function known(error: Error): unknown[] {
  const { side, mayHaveRun } = blameOf(error);
  return [(error as RuntimeError).code, side, mayHaveRun];
}

const cyclic: { self?: unknown } = {};
cyclic.self = cyclic;
const shared = { a: 1 };

Deno.test.each<[string, unknown]>([
  ["a text", "hello"],
  ["an odd text", "\ud800\u0000\u2028"],
  ["nothing", undefined],
  ["null", null],
  ["minus zero", -0],
  ["a plain object", { a: [1, { b: "c" }], __proto__x: true }],
  ["a key that is a trap", JSON.parse('{"__proto__":{"a":1}}')],
  ["undefined in an object", { a: undefined }],
  ["a hole", [, 1]],
  ["a hole and a name", Object.assign([, 1], { name: "x" })],
  ["numbers that JSON has not", [NaN, Infinity, 1n]],
  ["a date", new Date(0)],
  ["a map of sets", new Map([["a", new Set([1n])]])],
  ["a pattern", /a/gu],
  ["bytes", new Uint8Array([1, 2, 3])],
  ["half floats", new Float16Array([1, 2])],
  ["an error", new RangeError("far", { cause: new TypeError("near") })],
  ["what holds itself", cyclic],
  ["one thing twice", [shared, shared]],
  ["a long text", "é".repeat(200_000)],
  ["more than a frame", new Uint8Array(3_000_001).fill(7)],
])("Siblings.carry() brings %s there and back", async (_name, value) => {
  await using two = machine(2, ({ message }) => ({ value: { message } }));
  const { answer } = two.boxes[0]!.siblings.carry("box-2", { message: structuredClone(value) });
  assert.deepEqual(await answer, { message: value });
});

Deno.test("Siblings.carry() keeps what two messages share apart, and what one holds twice together", async () => {
  const seen: { list: object[] }[] = [];
  await using two = machine(2, ({ message }) => {
    seen.push(message as { list: object[] });
    return { value: message };
  });
  const { siblings } = two.boxes[0]!;
  const list = [new Map(), new Map()];
  const message = { list: [list[0], list[0]] };
  const answers = [1, 2].map(() => siblings.carry("box-2", { message }).answer);
  const [a, b] = await Promise.all(answers) as { list: object[] }[];
  assert.equal(two.boxes[0]!.frames.length, 1, "both went in one frame");
  assert.notEqual(seen[0]!.list[0], seen[1]!.list[0]);
  assert.equal(seen[0]!.list[0], seen[0]!.list[1]);
  assert.notEqual(a!.list[0], b!.list[0]);
});

Deno.test("Siblings.carry() keeps small plain things that are held twice together", async () => {
  await using two = machine(2);
  const message = structuredClone([shared, shared]);
  const back = await two.boxes[0]!.siblings.carry("box-2", { message }).answer as object[];
  assert.equal(back[0], back[1]);
});

Deno.test.each<[string, () => unknown, RegExp]>([
  ["shared memory", () => ({ a: new SharedArrayBuffer(8) }), /memory shared/],
  ["a function", () => ({ a: () => {} }), /could not be cloned/],
  ["a port", () => new Map([[1, new Blob(["x"])]]), /a Blob/],
])(
  "Siblings.carry() refuses %s by name, alone and before anything is sent",
  async (_name, make, why) => {
    await using two = machine(2);
    const { siblings } = two.boxes[0]!;
    const sound = siblings.carry("box-2", { message: 1 });
    assert.throws(() => siblings.carry("box-2", { message: make() }), (error: Error) => {
      assert.equal(error.name, "DataCloneError");
      assert.match(error.message, /^Cannot send a message to "box-2": /);
      return why.test(error.message);
    });
    assert.equal(await sound.answer, 1);
    assert.equal(siblings.pending, 0);
  },
);

Deno.test("Siblings.carry() refuses more than 16 MiB, and carries almost as much", async () => {
  await using two = machine(2, ({ message }) => ({ value: (message as Uint8Array).length }));
  const { siblings } = two.boxes[0]!;
  const length = 16 * 2 ** 20;
  assert.throws(() => siblings.carry("box-2", { message: new Uint8Array(length) }), RangeError);
  const message = new Uint8Array(length - 100);
  assert.equal(await siblings.carry("box-2", { message }).answer, length - 100);
});

Deno.test("An answer that cannot travel fails its message alone", async () => {
  const values = [new Uint8Array(16 * 2 ** 20), { a: () => {} }, "fine"];
  await using two = machine(2, ({ message }) => ({ value: values[message as number] }));
  const { siblings } = two.boxes[0]!;
  const [large, odd, fine] = [0, 1, 2].map((message) => siblings.carry("box-2", { message }));
  assert.deepEqual(known(await failure(large!)), ["RESULT_TOO_LARGE", "receiver", true]);
  const error = await failure(odd!);
  assert.equal(error.name, "DataCloneError");
  assert.deepEqual(known(error).slice(1), ["receiver", true]);
  assert.equal(await fine!.answer, "fine");
});

Deno.test("Siblings.carry() brings the terms of a message, and who it is from", async () => {
  await using two = machine(2, () => undefined);
  const [a, b] = two.boxes;
  const terms = { timeoutMs: 700, priority: "high", attempt: 3, key: "k" } as const;
  const sent = a!.siblings.carry("box-2", { message: 1, ...terms });
  const usual = a!.siblings.carry("box-2", { message: 2 });
  await until("both have arrived", () => b!.waiting.length === 2);
  const [first, second] = b!.waiting;
  assert.deepEqual([first!.from, first!.priority, first!.attempt, first!.key], [
    ...["box-1", "high", 3, "k"],
  ]);
  assert.ok(first!.timeoutMs! > 0 && first!.timeoutMs! <= 700);
  assert.ok(second!.timeoutMs! > 700 && second!.timeoutMs! <= 5000);
  assert.equal(second!.priority, undefined);
  assert.equal(sent.state(), "queued");
  first!.accept();
  await sent.accepted;
  assert.equal(sent.state(), "running");
  assert.equal(usual.state(), "queued");
  first!.answer("done");
  assert.equal(await sent.answer, "done");
  await sent.accepted;
});

Deno.test("A posted message is answered when it is accepted, and has no time but its own", async () => {
  await using two = machine(2, () => undefined);
  const [a, b] = two.boxes;
  const sent = a!.siblings.carry("box-2", { message: 1, posted: true });
  await until("it has arrived", () => b!.waiting.length === 1);
  assert.equal(b!.waiting[0]!.timeoutMs, undefined);
  b!.waiting[0]!.accept();
  await sent.accepted;
  assert.equal(await sent.answer, undefined);
  b!.waiting[0]!.fail(new Error("later"));
  await until("its failure is logged", () => b!.lines.some((line) => line.includes("later")));
  const refused = a!.siblings.carry("box-2", { message: 2, posted: true });
  await until("it has arrived", () => b!.waiting.length === 2);
  b!.waiting[1]!.fail(new RuntimeError("QUEUE_FULL", "no room"));
  await assert.rejects(refused.accepted, { code: "QUEUE_FULL" });
  assert.deepEqual(known(await failure(refused)), ["QUEUE_FULL", "receiver", false]);
});

Deno.test("Errors cross with class, code, cause and blame", async () => {
  await using two = machine(2, () => undefined);
  const [a, b] = two.boxes;
  const plain = a!.siblings.carry("box-2", { message: 1 });
  const blamed = a!.siblings.carry("box-2", { message: 2 });
  await until("both have arrived", () => b!.waiting.length === 2);
  for (const one of b!.waiting) one.accept();
  const cause = new RangeError("far");
  b!.waiting[0]!.fail(Object.assign(new TypeError("no", { cause }), { code: "MINE" }));
  const late = new RuntimeError("QUEUE_TIMEOUT", "too long");
  b!.waiting[1]!.fail(blame(late, { side: "receiver", mayHaveRun: false }));
  const error = await failure(plain);
  assert.ok(error instanceof TypeError && error.cause instanceof RangeError);
  assert.deepEqual(known(error), ["MINE", "receiver", true]);
  assert.deepEqual(known(await failure(blamed)), ["QUEUE_TIMEOUT", "receiver", false]);
});

Deno.test("A message that is not answered ends in its time, and its handler is told", async () => {
  await using two = machine(2, () => undefined);
  const [a, b] = two.boxes;
  const silent = a!.siblings.carry("box-2", { message: 1, timeoutMs: 60 });
  await until("it has arrived", () => b!.waiting.length === 1);
  const error = await failure(silent);
  assert.deepEqual(known(error), ["DEADLINE_EXCEEDED", "network", true]);
  await until("the handler is told", () => b!.waiting[0]!.cancelled.length === 1);
  a!.refuses = true;
  const blocked = a!.siblings.carry("box-2", { message: "x", timeoutMs: 1 });
  const unsent = a!.siblings.carry("box-2", { message: "y", timeoutMs: 20 });
  for (const one of [blocked, unsent]) {
    assert.equal((await failure(one)).code, "DEADLINE_EXCEEDED");
  }
  b!.waiting[0]!.answer("too late");
  assert.equal(a!.siblings.pending, 0);
});

Deno.test("Carried.cancel() ends the wait at once and aborts the handler", async () => {
  await using two = machine(2, () => undefined);
  const [a, b] = two.boxes;
  const unsent = a!.siblings.carry("box-2", { message: 0 });
  unsent.cancel("no");
  assert.deepEqual(known(await failure(unsent)), ["CANCELLED", "sender", false]);
  const sent = a!.siblings.carry("box-2", { message: 1 });
  await until("it has arrived", () => b!.waiting.length === 1);
  sent.cancel(new Error("the page has ended"));
  const error = await failure(sent);
  assert.deepEqual(known(error), ["CANCELLED", "sender", true]);
  assert.match(error.message, /the page has ended/);
  await until("the handler is told", () => b!.waiting[0]!.cancelled.length === 1);
  assert.equal(b!.waiting[0]!.cancelled[0], "the page has ended");
  assert.equal(b!.waiting.length, 1, "what was cancelled before it left did not arrive");
});

Deno.test('Siblings.carry() sends to "boxes" in turn, this one among them, and only to those that serve', async () => {
  await using three = machine(3, () => undefined);
  const { boxes, list } = three;
  const [a] = boxes;
  for (let turn = 0; turn < 6; turn++) a!.siblings.carry("boxes", { message: turn });
  await until("all have arrived", () => boxes.every(({ waiting }) => waiting.length === 2));
  assert.deepEqual(boxes.map(({ waiting }) => waiting[0]!.from), ["localhost", "box-1", "box-1"]);
  a!.siblings.update(list.map((box) => ({ ...box, serving: box.pid !== 102 })));
  for (let turn = 0; turn < 4; turn++) a!.siblings.carry("boxes", { message: turn });
  await until("all have arrived", () => a!.waiting.length + boxes[2]!.waiting.length === 8);
  assert.deepEqual(boxes.map(({ waiting }) => waiting.length), [4, 2, 4]);
  a!.siblings.carry("box-1", { message: "own" });
  assert.equal(a!.waiting.at(-1)!.from, "localhost");
});

Deno.test("A message to no box, to one that does not serve, or without siblings says what there is", async () => {
  await using three = machine(3);
  const { siblings } = three.boxes[0]!;
  const unknown = await failure(siblings.carry("box-9", { message: 1 }));
  assert.deepEqual(known(unknown), ["UNREACHABLE_PEER", "network", false]);
  assert.match(unknown.message, /^Cannot send a message to "box-9": .*box-1, box-2, box-3$/);
  siblings.update(three.list.map((box) => ({ ...box, serving: box.pid === 101 })));
  const down = await failure(siblings.carry("box-2", { message: 1 }));
  assert.match(down.message, /^Cannot send a message to "box-2": it does not serve now/);
  assert.match(withoutSiblings("box-2").message, /serve --boxes/);
  assert.deepEqual(known(withoutSiblings("box-2")), ["UNREACHABLE_PEER", "network", false]);
});

Deno.test("A sibling that ends takes with it what it had, and nothing that had not left", async () => {
  await using two = machine(2, () => undefined);
  const [a, b] = two.boxes;
  const had = a!.siblings.carry("box-2", { message: 1 });
  await until("it has arrived", () => b!.waiting.length === 1);
  const asked = b!.siblings.carry("box-1", { message: 2 });
  await until("it has arrived", () => a!.waiting.length === 1);
  const waits = a!.siblings.carry("box-2", { message: 3 });
  a!.siblings.update([two.list[0]!]);
  const gone = await failure(had);
  assert.deepEqual(known(gone), ["PEER_LOST", "network", true]);
  assert.match(gone.message, /box-2 has ended/);
  assert.deepEqual(known(await failure(waits)), ["UNREACHABLE_PEER", "network", false]);
  assert.equal(a!.waiting[0]!.cancelled.length, 1, "nobody waits for what it asked for");
  asked.cancel("");
});

Deno.test("What had not left, and what a box that stops refuses, goes to its successor", async () => {
  await using three = machine(3, () => undefined);
  const { boxes: [a, old, next], list } = three;
  const both = [list[0]!, list[1]!, { ...list[2]!, alias: "box-2" }];
  for (const { siblings } of three.boxes) siblings.update(both);
  const late = a!.siblings.carry("box-2", { message: "late" });
  await until("it has arrived", () => old!.waiting.length === 1);
  const draining = both.map((box) => ({ ...box, serving: box.pid !== 102 }));
  a!.siblings.update(draining);
  const fresh = a!.siblings.carry("box-2", { message: "new" });
  old!.waiting[0]!.fail(new RuntimeError("STOPPING", "it stops"));
  await until("both have arrived", () => next!.waiting.length === 2);
  for (const one of next!.waiting) one.answer(`${one.message} there`);
  assert.equal(await late.answer, "late there");
  assert.equal(await fresh.answer, "new there");
  a!.siblings.update(both);
  const unsent = a!.siblings.carry("box-2", { message: "unsent" });
  a!.siblings.update([both[0]!, both[2]!]);
  await until("it has arrived", () => next!.waiting.length === 3);
  next!.waiting[2]!.answer("here");
  assert.equal(await unsent.answer, "here");
  assert.equal(old!.waiting.length, 1);
});

Deno.test('What was for "boxes" and had not left goes to another sibling, whose turn it may be', async () => {
  await using three = machine(3, () => undefined);
  const { boxes: [a, ended, other], list } = three;
  // Some of them are for each box; none has left yet.
  const all = Array.from({ length: 9 }, (_, message) => a!.siblings.carry("boxes", { message }));
  a!.siblings.update([list[0]!, list[2]!]);
  await until("all have arrived", () => a!.waiting.length + other!.waiting.length === 9);
  assert.deepEqual([a!.waiting.length, ended!.waiting.length], [3, 0]);
  for (const one of [...a!.waiting, ...other!.waiting]) one.answer(one.message);
  const answers = await Promise.all(all.map(({ answer }) => answer));
  assert.deepEqual(answers, Array.from({ length: 9 }, (_, message) => message));
});

Deno.test("A sibling that does not read fills its own queue only, within bounds", async () => {
  await using three = machine(3, ({ message }) => ({ value: (message as Uint8Array).length }));
  const { boxes: [a] } = three;
  a!.holds = true;
  const message = new Uint8Array(1 << 20);
  const sent: Carried[] = [];
  const refused = (() => {
    for (;;) {
      try {
        sent.push(a!.siblings.carry("box-2", { message }));
      } catch (error) {
        return error as RuntimeError;
      }
    }
  })();
  assert.deepEqual(known(refused), ["QUEUE_FULL", "sender", false]);
  assert.ok(sent.length >= 64 && sent.length < 200, `${sent.length}`);
  await until("the window is full", () => a!.frames.length > 0);
  const onWay = a!.frames.reduce((sum, { frame }) => sum + frame.length, 0);
  assert.ok(onWay <= 3 * 2 ** 20, `${onWay} bytes are on their way`);
  const other = a!.siblings.carry("box-3", { message: new Uint8Array(5) });
  await until("another one is reached", () => a!.frames.some(({ to }) => to === 103));
  three.release(a!);
  assert.equal(await other.answer, 5);
  const values = await Promise.all(sent.map(({ answer }) => answer));
  assert.ok(values.every((length) => length === 1 << 20));
});

Deno.test("A link that takes no frame now gets it later, in order", async () => {
  const seen: unknown[] = [];
  await using two = machine(2, ({ message }) => {
    seen.push(message);
    return { value: message };
  });
  const [a] = two.boxes;
  a!.refuses = true;
  const first = a!.siblings.carry("box-2", { message: 1 });
  await new Promise((resolve) => setTimeout(resolve));
  const second = a!.siblings.carry("box-2", { message: 2 });
  a!.refuses = false;
  assert.deepEqual(await Promise.all([first.answer, second.answer]), [1, 2]);
  assert.deepEqual(seen, [1, 2]);
});

const frame = (...words: unknown[]) => packFrame(0, words.map((one) => JSON.stringify(one)), []);

Deno.test.each<[string, unknown]>([
  ["no bytes", "[0]"],
  ["nothing", new Uint8Array(0)],
  ["garbage", crypto.getRandomValues(new Uint8Array(500))],
  ["another version", frame().with(0, 9)],
  ["words that are cut off", frame([1, 1, 2]).slice(0, -1)],
  ["bytes that nobody names", new Uint8Array([...frame(), 1])],
  ["a length beyond its end", packFrame(0, ["[1,1,1,9]"], [new Uint8Array(3)])],
  ["what nobody knows", frame([9, 1])],
  ["what is no list", frame(7)],
  ["a message without a number", frame([0, -1, 0, -1, 0, 1, null, 0, 1])],
  ["a message with no such priority", frame([0, 1, 0, 7, 0, 1, null, 0, 1])],
  ["a message with the name of a method as priority", frame([0, 1, 0, "map", 0, 1, null, 0, 1])],
  ["a message that was never tried", frame([0, 1, 0, -1, 0, 0, null, 0, 1])],
  ["a message with a key that is none", frame([0, 1, 0, -1, 0, 1, 5, 0, 1])],
  ["a failure that is none", frame([2, 1, { name: 1 }, 0, 0])],
  ["a failure of nobody", frame([2, 1, { name: "Error", message: "" }, 5, 0])],
  ["a failure of a method", frame([2, 1, { name: "Error", message: "" }, "map", 0])],
  ["a part of no bytes", frame([5, 0])],
  ["more parts than a value has", packFrame(0, Array(100).fill("[5,1]"), [new Uint8Array(100)])],
  ["what was never sent as read", packFrame(1e9, [], [])],
  ["far too many things", frame(...Array.from({ length: 300 }, () => [4, 1, ""]))],
  ["a part before what has none", packFrame(0, ["[5,1]", '[6,"a",0,1]'], [new Uint8Array(1)])],
])("Siblings.receive() drops and logs %s, and goes on", async (_name, odd) => {
  await using three = machine(3);
  const [a, b] = three.boxes;
  b!.siblings.receive(103, odd);
  assert.match(b!.lines.join(), /A frame of another box is dropped .*"pid":103/);
  assert.equal(await a!.siblings.carry("box-2", { message: "sound" }).answer, "sound");
});

Deno.test("Siblings.receive() believes a frame of a box only, and only about its own messages", async () => {
  await using three = machine(3, () => undefined);
  const [a, b] = three.boxes;
  a!.siblings.receive(999, frame([0, 1, 0, -1, 0, 1, null, 0, 1]));
  assert.equal(a!.waiting.length, 0);
  const sent = a!.siblings.carry("box-2", { message: 1 });
  await until("it has arrived", () => b!.waiting.length === 1);
  const id = JSON.parse(new TextDecoder().decode(a!.frames[0]!.frame.subarray(5)))[1][1];
  a!.siblings.receive(103, frame([1, id, 0, "forged"]));
  assert.equal(sent.state(), "queued");
  b!.waiting[0]!.answer("true");
  assert.equal(await sent.answer, "true");
});

Deno.test("An answer whose bytes are no value fails its message", async () => {
  await using two = machine(2, () => undefined);
  const [a, b] = two.boxes;
  const sent = a!.siblings.carry("box-2", { message: 1 });
  await until("it has arrived", () => b!.waiting.length === 1);
  a!.siblings.receive(102, packFrame(0, ["[1,1,1,4]"], [new Uint8Array([255, 15, 99, 99])]));
  assert.deepEqual(known(await failure(sent)), ["PEER_BAD_ANSWER", "receiver", true]);
});

Deno.test("Siblings.gossip() tells all siblings, drops what there is no room for, and ends with its listener", async () => {
  await using three = machine(3);
  const [a, b, c] = three.boxes;
  const heard: unknown[] = [];
  const end = b!.siblings.onGossip("nonces", (payload, from) => heard.push([from, payload]));
  c!.siblings.onGossip("nonces", (payload) => heard.push(payload));
  a!.siblings.gossip("nonces", ["n1"]);
  await until("both have heard", () => heard.length === 2);
  assert.deepEqual(heard, [["box-1", ["n1"]], ["n1"]]);
  end();
  a!.refuses = true;
  for (let index = 0; index < 1000; index++) a!.siblings.gossip("nonces", index);
  await new Promise((resolve) => setTimeout(resolve));
  a!.refuses = false;
  a!.siblings.gossip("nonces", "last");
  await until("what there was room for came", () => heard.length > 3);
  assert.ok(heard.length < 200);
  assert.throws(() => a!.siblings.gossip("nonces", "x".repeat(70_000)), RangeError);
});

Deno.test("Siblings.close() ends all that waits, and what comes later", async () => {
  await using two = machine(2, () => undefined);
  const [a, b] = two.boxes;
  const had = a!.siblings.carry("box-2", { message: 1 });
  await until("it has arrived", () => b!.waiting.length === 1);
  const waits = a!.siblings.carry("box-2", { message: 2 });
  a!.siblings.close("the supervisor has ended");
  assert.deepEqual(known(await failure(had)), ["PEER_LOST", "network", true]);
  assert.deepEqual(known(await failure(waits)), ["UNREACHABLE_PEER", "network", false]);
  const later = await failure(a!.siblings.carry("box-2", { message: 3 }));
  assert.match(later.message, /the supervisor has ended/);
});

Deno.test("Siblings.flushed() waits for a frame that the link did not take", async () => {
  await using two = machine(2, () => undefined);
  const [a, b] = two.boxes;
  const sent = a!.siblings.carry("box-2", { message: 1 });
  await until("it has arrived", () => b!.waiting.length === 1);
  b!.refuses = true;
  b!.waiting[0]!.answer("the last word");
  await new Promise((resolve) => setTimeout(resolve));
  const flushed = b!.siblings.flushed(10_000);
  b!.refuses = false;
  await flushed;
  b!.siblings.close("it has ended");
  assert.equal(await sent.answer, "the last word");
});

Deno.test("Siblings.carry() to this box by its alias lets the sender keep the message", async () => {
  await using two = machine(2);
  const { siblings } = two.boxes[0]!;
  const kept = siblings.carry("box-2", { message: "not here" });
  const keep = () => kept;
  assert.equal(siblings.carry("box-1", { message: 1, keep }), kept);
  assert.notEqual(siblings.carry("box-2", { message: 1, keep }), kept);
  assert.equal(await kept.answer, "not here");
});

Deno.test("Desk.refuse() says no more to a sibling that reads nothing", () => {
  const said: unknown[] = [];
  const lane = { queued: MOST_UNANSWERED - 1, push: () => void (lane.queued++, said.push(1)) };
  const desk = new Desk(lane as unknown as Lane, "box-2", recordLog());
  assert.equal(desk.refuse(1, new Error("damaged")), true);
  assert.equal(desk.refuse(2, new Error("damaged")), false);
  assert.equal(said.length, 1);
});
