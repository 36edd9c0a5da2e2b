import assert from "node:assert/strict";
import { parseAddress, readDestination } from "../../../runtime/router/address.ts";
import { resolveTreeOptions } from "../../../runtime/router/options.ts";
import { inParts, Routes } from "../../../runtime/router/routes.ts";
import { Seen, SEEN_WINDOW } from "../../../runtime/router/seen.ts";
import { testRules } from "./rules.ts";
import { binary, grow, join, until, type Witness } from "./support.ts";

testRules("flood");
testRules("learned");

Deno.test.each<[string, unknown, string]>([
  ["a pid of 0", 0, "RangeError"],
  ["a negative pid", -1, "RangeError"],
  ["half a pid", { pid: 1.5 }, "RangeError"],
  ["an empty alias", "", "RangeError"],
  ["an alias of 256 bytes", "ä".repeat(128), "RangeError"],
  ["an empty group", { group: "" }, "RangeError"],
  ["null", null, "TypeError"],
  ["all that is not true", { all: false }, "TypeError"],
  ["two addresses at once", { pid: 1, alias: "a" }, "TypeError"],
  ["a number as alias", { alias: 1 }, "TypeError"],
])("readDestination() refuses %s", (_, to, name) => {
  assert.throws(() => readDestination(to), { name });
});

Deno.test("addresses are rebuilt with nothing but what was checked", () => {
  assert.deepEqual(parseAddress({ pid: 3, extra: 1 }), { pid: 3 });
  assert.deepEqual(parseAddress({ group: "g", extra: 1 }), { group: "g" });
  for (const wrong of [null, 1, {}, { all: 1 }, { pid: "1" }, { alias: "" }, { group: 3 }]) {
    assert.equal(parseAddress(wrong), undefined);
  }
  assert.deepEqual(readDestination("ä".repeat(127)), { alias: "ä".repeat(127) });
});

Deno.test("Seen tells numbers apart in its window, each lane and incarnation for itself", () => {
  const seen = new Seen();
  const add = (seq: number, urgent = false, inc = "a".repeat(16)) =>
    seen.add({ src: { pid: 1, inc }, seq, urgent });
  const numbers = [1, 3, 2, SEEN_WINDOW, SEEN_WINDOW + 2, 3 * SEEN_WINDOW];
  for (const seq of numbers) assert.equal(add(seq), true);
  for (const seq of numbers) assert.equal(add(seq), false);
  assert.equal(add(2 * SEEN_WINDOW), false, "too old to tell");
  assert.equal(add(2 * SEEN_WINDOW + 1), true);
  assert.equal(add(1, true), true);
  assert.equal(add(1, false, "b".repeat(16)), true);
});

Deno.test("resolveTreeOptions() refuses what is out of range or unknown", () => {
  assert.throws(() => resolveTreeOptions({ heartbeatMs: 0 }), RangeError);
  assert.throws(() => resolveTreeOptions({ drainMs: "1" as unknown as number }), TypeError);
  assert.throws(() => resolveTreeOptions({ other: 1 } as object), TypeError);
  assert.throws(() => resolveTreeOptions({ spy: 1 as unknown as boolean }), TypeError);
  assert.throws(() => resolveTreeOptions({ onParentLost: "die" as "continue" }), TypeError);
  assert.equal(resolveTreeOptions({ heartbeatMs: undefined }).heartbeatMs, 1000);
});
Deno.test("a message to a direct neighbour takes only its link, another one floods", async () => {
  await using grove = grow(binary(7));
  const { node } = grove.all[0]!;
  node.submit(1, 1001);
  assert.equal(node.pendingMessages(), 1);
  node.submit(1, 1003);
  assert.equal(node.pendingMessages(), 3);
  node.submit(1, 4711);
  assert.equal(node.pendingMessages(), 5);
  await until(
    "the copies die at the leaves",
    () => grove.all.every(({ node }) => node.pendingMessages() === 0),
  );
  assert.deepEqual(grove.all.map(({ received }) => received.length), [0, 1, 0, 1, 0, 0, 0]);
});

Deno.test("with learned routing a message takes only the links that lead to its pid, if that is known", async () => {
  await using grove = grow(binary(7), { routing: "learned" });
  const [root, leaf] = [grove.all[0]!.node, grove.all[6]!.node];
  const forwarded = () => grove.all.reduce((sum, { node }) => sum + node.statistics().forwarded, 0);
  root.submit("hello", { all: true });
  await until("the links are open", () => leaf.statistics().delivered === 1);
  await until("all is done", () => grove.all.every(({ node }) => node.pendingMessages() === 0));
  const before = forwarded();
  root.submit(1, 1006);
  assert.equal(root.pendingMessages(), 1);
  // To the root it goes up, to others everywhere but where it came from, and down the one way that is known.
  leaf.submit(2, 1000);
  await until("both arrive", () => grove.all[0]!.received.length === 1);
  await until("both arrive", () => grove.all[6]!.received.length === 2);
  assert.equal(forwarded() - before, 2);
  leaf.submit(3, 1003);
  await until("it arrives", () => grove.all[3]!.received.length === 2);
  await until("all is done", () => grove.all.every(({ node }) => node.pendingMessages() === 0));
  assert.equal(forwarded() - before, 2 + 4);
  root.submit(4, 4711);
  assert.equal(root.pendingMessages(), 2);
  await until("all is done", () => grove.all.every(({ node }) => node.pendingMessages() === 0));
});

Deno.test("with learned routing nothing is sent towards a child that is gone", async () => {
  await using grove = grow(binary(7), { routing: "learned", onParentLost: "continue" });
  const root = grove.all[0]!.node;
  root.submit("hello", { all: true });
  await until(
    "all have it",
    () => grove.all.slice(1).every(({ received }) => received.length === 1),
  );
  await until("all is done", () => root.pendingMessages() === 0);
  grove.crash(1);
  await until("the root knows", () => grove.all[0]!.lost.length === 1);
  root.submit(1, 1003);
  // Nobody is known to have it, so it is looked for everywhere else.
  assert.equal(root.pendingMessages(), 1);
  await until("all is done", () => root.pendingMessages() === 0);
  assert.equal(grove.all[3]!.received.length, 1);
});

Deno.test("with learned routing a node that has moved below another child is found there", async () => {
  const options = { routing: "learned", onParentLost: "continue" } as const;
  await using grove = grow([-1, 0, 0, 0, 1], options);
  const root = grove.all[0]!.node;
  root.submit("hello", { all: true });
  await until(
    "all have it",
    () => grove.all.slice(1).every(({ received }) => received.length === 1),
  );
  grove.crash(1);
  await until("both know", () => [0, 4].every((index) => grove.all[index]!.lost.length === 1));
  join(grove.all[2]!, grove.all[4]!);
  grove.all[4]!.node.submit("here", 1000);
  await until("it stands", () => grove.all[0]!.received.length === 1);
  await until("all is done", () => root.pendingMessages() === 0);
  root.submit(1, 1004);
  assert.equal(root.pendingMessages(), 1);
  await until("it arrives", () => grove.all[4]!.received.length === 2);
});

Deno.test("with learned routing a pid that is used again below another child is found there", async () => {
  const options = { routing: "learned", onParentLost: "continue" } as const;
  await using grove = grow([-1, 0, 0, 1], options);
  const [root, left, right, low] = grove.all as [Witness, Witness, Witness, Witness];
  root.node.submit("hello", { all: true });
  await until("all have it", () => low.received.length === 1 && right.received.length === 1);
  grove.crash(3);
  await until("both know", () => left.lost.length === 1 && low.lost.length === 1);
  left.node.submit("it is gone", 1000);
  await until("the root knows", () => root.received.length === 1);
  join(right, low);
  root.node.submit("there?", 1003);
  await until("it arrives", () => low.received.length === 2);
});

Deno.test("Routes takes back what a child has announced, and not what another has", () => {
  const routes = new Routes();
  routes.learn([5, 6], 1);
  routes.learn([7], 2);
  assert.deepEqual(routes.unlearn([5, 7, 8], 1), [5]);
  assert.deepEqual([routes.via(5), routes.via(6), routes.via(7)], [undefined, 1, 2]);
  assert.deepEqual(routes.forget(1), [6]);
});

Deno.test("Routes keeps the first announcement of a pid, forgets with a child, and is bounded", () => {
  const routes = new Routes();
  assert.deepEqual(routes.learn([5, 6, 1], 1), [5, 6]);
  assert.deepEqual(routes.learn([6, 7], 2), [7]);
  assert.deepEqual([routes.via(5), routes.via(6), routes.via(7), routes.via(8)], [
    1,
    1,
    2,
    undefined,
  ]);
  routes.forget(1);
  assert.deepEqual([routes.via(5), routes.via(7)], [undefined, 2]);
  const many = Array.from({ length: 70_000 }, (_, pid) => pid + 10);
  assert.equal(routes.learn(many, 3).length, 65_535);
  assert.deepEqual(routes.learn([5], 3), []);
  assert.equal(routes.pids.length, 65_536);
  const parts = [...inParts(routes.pids)];
  assert.ok(parts.every((part) => part.length <= 1024));
  assert.deepEqual(parts.flat(), routes.pids);
});
