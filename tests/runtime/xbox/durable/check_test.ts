import assert from "node:assert/strict";
import { openEngine } from "../../../../runtime/store/open.ts";
import { checkPost } from "../../../../runtime/xbox/durable/queue.ts";
import { backOff, nextTime } from "../../../../runtime/xbox/durable/times.ts";
import type { XboxPostOptions } from "../../../../runtime/types/xbox.ts";
import { open } from "./support.ts";

const durable = true;
const anything = (options: Record<string, unknown>) => options as unknown as XboxPostOptions;

const REFUSED: [XboxPostOptions, ErrorConstructor, RegExp][] = [
  [anything({ durable: 1 }), TypeError, /durable must be true or false, and 1 was given/],
  [{ key: "k" }, TypeError, /with key: it needs durable: true, and durable is undefined/],
  [{ durable: false, at: 1 }, TypeError, /with at: it needs durable: true, and durable is false/],
  [{ everyMs: 1000 }, TypeError, /with everyMs: it needs durable: true/],
  [{ attempts: 2 }, TypeError, /with attempts: it needs durable: true/],
  [{ orderingKey: "o" }, TypeError, /with orderingKey: it needs durable: true/],
  [anything({ durable, key: 1 }), TypeError, /key must be well-formed text, and 1 was given/],
  [{ durable, key: "\ud800" }, TypeError, /key must be well-formed text/],
  [{ durable, key: "" }, RangeError, /key must have 1 to 512 characters, and it has 0/],
  [{ durable, orderingKey: "x".repeat(513) }, RangeError, /orderingKey must .* it has 513/],
  [{ durable, at: NaN }, RangeError, /at must be a time, and NaN was given/],
  [{ durable, at: new Date(NaN) }, RangeError, /at must be a time, and Invalid Date was given/],
  [anything({ durable, at: "soon" }), TypeError, /at must be a Date or milliseconds .* "soon"/],
  [{ durable, at: 9e15 }, RangeError, /at must be a time/],
  [{ durable, everyMs: 1000 }, TypeError, /everyMs: it needs a key/],
  [{ durable, key: "k", everyMs: 999 }, RangeError, /everyMs must be a whole number from 1000/],
  [{ durable, key: "k", everyMs: NaN }, RangeError, /everyMs must .* and NaN was given/],
  [
    { durable, key: "k", everyMs: 1000, orderingKey: "o" },
    ...[TypeError, /everyMs and orderingKey: it would hold back/] as [ErrorConstructor, RegExp],
  ],
  [{ durable, attempts: 0 }, RangeError, /attempts must be a whole number from 1 to 1000, and 0/],
  [{ durable, attempts: 1001 }, RangeError, /attempts .* and 1001 was given/],
  [anything({ durable, attempts: "2" }), TypeError, /attempts must be a number, and "2" was given/],
];

Deno.test("checkPost() refuses what does not make sense, and says why", () => {
  for (const [options, Class, message] of REFUSED) {
    assert.throws(() => checkPost(options), (error) => {
      assert.ok(error instanceof Class, String(error));
      assert.match(error.message, message);
      assert.match(error.message, /^Cannot post a message/);
      return true;
    });
  }
});

Deno.test("checkPost() lets pass what does", () => {
  checkPost({});
  checkPost({ durable: false, timeoutMs: 5 });
  checkPost({ durable, key: "k".repeat(512), everyMs: 1000, at: new Date(), attempts: 1000 });
  checkPost({ durable, orderingKey: "ü", at: -5 });
});

Deno.test("PostQueue.accept() refuses at once what cannot be stored", async () => {
  const engine = await openEngine(":memory:");
  await using one = open(engine, { maxMessageBytes: 1000 });
  const refused = (message: unknown, expected: object) =>
    assert.rejects(one.queue.accept(message), expected);
  await refused(() => {}, { name: "DataCloneError", message: /^Cannot post a durable message: / });
  await refused({ url: new URL("http://a/") }, { name: "DataCloneError" });
  await refused(new Uint8Array(1001), {
    name: "RangeError",
    message: /it takes 10\d\d bytes, and at most 1000 \(peers.maxMessageBytes\) are allowed/,
  });
  await assert.rejects(one.queue.accept(1, { key: "" }), RangeError);
  await assert.rejects(one.queue.accept(1, { timeoutMs: 0 }), {
    name: "RangeError",
    message: "Cannot post a message: timeoutMs must be above 0, and 0 was given",
  });
  await assert.rejects(one.queue.accept(1, anything({ priority: "top" })), TypeError);
  await assert.rejects(one.queue.accept(1, anything({ to: 1 })), TypeError);
  await assert.rejects(one.queue.unpost(""), RangeError);
  await assert.rejects(one.queue.unpost(undefined as unknown as string), TypeError);
  await assert.rejects(one.queue.dead({ limit: 0 }), {
    name: "RangeError",
    message:
      "Cannot list dead letters: limit must be a whole number from 1 to 1000, and 0 was given",
  });
  await assert.rejects(one.queue.dead({ after: "" }), TypeError);
  await assert.rejects(one.queue.retry("some" as "all"), {
    name: "TypeError",
    message: /^Cannot retry dead letters: ids of the list or "all" are needed/,
  });
  await assert.rejects(one.queue.clear([""]), TypeError);
  const { waiting, running } = await one.queue.count();
  assert.deepEqual([waiting, running], [0, 0]);
  await one.queue.stop(0);
  await engine.close();
});

Deno.test("backOff() doubles up to its limit, and leaves out a part by chance", () => {
  const options = { backOffMs: 200, maxBackOffMs: 1000 };
  assert.deepEqual([1, 2, 3, 4, 900].map((tries) => backOff(options, tries, 0)), [
    ...[200, 400, 800, 1000, 1000],
  ]);
  assert.equal(backOff(options, 1, 0.5), 150);
});

Deno.test("nextTime() keeps to the grid", () => {
  assert.equal(nextTime(1000, 100, 1000), 1100);
  assert.equal(nextTime(1000, 100, 990), 1100); // the clock of another box
  assert.equal(nextTime(1000, 100, 1099), 1100);
  assert.equal(nextTime(1000, 100, 1100), 1200);
  assert.equal(nextTime(1000, 100, 5555), 5600);
});
