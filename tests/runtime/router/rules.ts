/**
 * The rules of the router, for each way of routing.
 *
 * @module
 */

import assert from "node:assert/strict";
import { RouterError } from "../../../runtime/router/errors.ts";
import { InterceptorListener } from "../../../runtime/router/interceptors.ts";
import type { TreeOptions } from "../../../runtime/router/options.ts";
import { SEEN_WINDOW } from "../../../runtime/router/seen.ts";
import { binary, grow as growTree, join, until } from "./support.ts";

/** Tests that hold whichever way messages take. */
export function testRules(routing: "flood" | "learned"): void {
  function grow(parents: readonly number[], options?: TreeOptions, aliases?: string[]) {
    return growTree(parents, { routing, ...options }, aliases);
  }

  Deno.test(`${routing}: submit() refuses a node's own pid and alias, what cannot be copied, and all of it after shutdown`, async () => {
    await using grove = grow([-1, 0], {}, ["root", "kid"]);
    const { node } = grove.all[1]!;
    for (const to of [node.getPid(), "kid", { alias: "kid" }]) {
      assert.throws(
        () => node.submit(1, to),
        (error) => error instanceof RouterError && error.code === "LOOPBACK" && error.errno === 22,
      );
    }
    for (const bad of [() => 1, Symbol("s"), new SharedArrayBuffer(1), { port: new WeakMap() }]) {
      assert.throws(() => node.submit(bad, "root"), { name: "DataCloneError" });
    }
    assert.throws(() => node.submit("text", "root", { raw: true }), TypeError);
    assert.throws(() => node.submit(1, "root", { timeoutMs: 5 }), TypeError);
    assert.throws(
      () => node.submit(new Uint8Array(2 ** 24 + 1), "root", { raw: true }),
      RangeError,
    );
    assert.equal(node.pendingMessages(), 0);
    await node.close();
    assert.throws(() => node.submit(1, "root"), { name: "RouterError", code: "NODE_STOPPED" });
    assert.throws(() => node.fork("x", { module: "file:///x.ts" }), { code: "NODE_STOPPED" });
  });

  Deno.test.each<[string, unknown, boolean]>([
    [
      "structured values",
      new Map([[1n, { at: new Date(5), bytes: new Uint8Array([1, 2]) }]]),
      false,
    ],
    ["nothing", undefined, false],
    ["raw bytes", new Uint8Array([0, 255, 3]), true],
    ["large bytes", new Uint8Array(9 * 2 ** 20).fill(7), true],
  ])(`${routing}: submit() carries %s over two links`, async (_, value, raw) => {
    await using grove = grow([-1, 0, 1]);
    grove.all[0]!.node.submit(value, 1002, { raw });
    await until("it arrives", () => grove.all[2]!.received.length === 1);
    const [message] = grove.all[2]!.received;
    assert.deepEqual(message!.payload, value);
    assert.deepEqual([message!.hops, message!.source, message!.link], [2, 1000, 1001]);
    assert.equal(grove.all[1]!.received.length, 0);
  });

  Deno.test(`${routing}: submit() copies what it is given at once`, async () => {
    await using grove = grow([-1, 0]);
    const value = { count: 1 };
    grove.all[0]!.node.submit(value, 1001);
    value.count = 2;
    await until("it arrives", () => grove.all[1]!.received.length === 1);
    assert.deepEqual(grove.all[1]!.received[0]!.payload, { count: 1 });
  });

  Deno.test(`${routing}: a message to an alias is taken by the nearest of each branch and goes no further`, async () => {
    await using grove = grow([-1, 0, 1, 0, 3], {}, ["root", "x", "x", "y", "x"]);
    grove.all[0]!.node.submit("hi", "x");
    await until("it arrives", () => grove.all[4]!.received.length === 1);
    assert.deepEqual(grove.all.map(({ received }) => received.length), [0, 1, 0, 0, 1]);
  });

  Deno.test(`${routing}: a node in spy mode shows what passes, and no other`, async () => {
    for (const spy of [false, true]) {
      await using grove = grow([-1, 0, 1], { spy });
      grove.all[0]!.node.submit("x", 1002);
      await until("it arrives", () => grove.all[2]!.received.length === 1);
      assert.deepEqual(grove.all[1]!.received.map(({ forwarded }) => forwarded), spy ? [true] : []);
      assert.equal(grove.all[2]!.received[0]!.forwarded, false);
    }
  });

  Deno.test(`${routing}: each receiver acknowledges by itself, and the origin sees the name of its message`, async () => {
    await using grove = grow(binary(7));
    const [root] = grove.all;
    for (const index of [3, 4, 6]) grove.all[index]!.node.joinGroup("g");
    const everybody = root!.node.submit(1, { all: true }, { ack: true });
    const group = root!.node.submit(2, { group: "g" }, { ack: true });
    const one = root!.node.submit(3, 1005, { ack: true });
    const by = (id: string) =>
      root!.received.filter((ack) => ack.isAck && ack.id === id).map(({ source }) => source - 1000)
        .sort();
    await until("all acks are there", () => root!.received.length === 6 + 3 + 1);
    assert.deepEqual([by(everybody), by(group), by(one)], [[1, 2, 3, 4, 5, 6], [3, 4, 6], [5]]);
    assert.ok(grove.all.slice(1).every(({ received }) => received.every(({ isAck }) => !isAck)));
  });

  Deno.test(`${routing}: onAckTimeout tells who answered in time, and nobody if all is well`, async () => {
    await using grove = grow([-1, 0, 0]);
    const late: [string, number[]][] = [];
    const { node } = grove.all[0]!;
    node.addListener({ onAckTimeout: (id, answered) => void late.push([id, answered.toSorted()]) });
    node.submit(1, 1001, { ack: true, timeoutMs: 60 });
    const nobody = node.submit(1, 4711, { ack: true, timeoutMs: 60 });
    const all = node.submit(1, { all: true }, { ack: true, timeoutMs: 61 });
    await until("the time has passed", () => late.length === 2);
    assert.deepEqual(late, [[nobody, []], [all, [1001, 1002]]]);
  });

  Deno.test(`${routing}: onMessageSent is called once for a message, at its origin, with what was sent`, async () => {
    await using grove = grow(binary(7));
    const sent: [number, string, unknown, number][] = [];
    for (const { index, node } of grove.all) {
      node.addListener({
        onMessageSent: ({ id, payload, hops }) => void sent.push([index, id, payload, hops]),
      });
    }
    const id = grove.all[1]!.node.submit("x", { all: true }, { ack: true });
    await until("all is done", () => grove.all[1]!.received.length === 6);
    assert.deepEqual(sent, [[1, id, "x", 0]]);
  });

  Deno.test(`${routing}: listeners run by priority, each when the one before is done, and see what it changed`, async () => {
    await using grove = grow([-1, 0]);
    const seen: unknown[] = [];
    const { node } = grove.all[1]!;
    const add = (name: string, priority?: number) => {
      const listener = {
        priority,
        onMessageReceived: async (message: { payload: unknown }) => {
          await Promise.resolve();
          seen.push([name, message.payload]);
          message.payload = name;
        },
      };
      node.addListener(listener);
      return listener;
    };
    add("second");
    add("last", 5);
    const gone = add("gone");
    add("third");
    add("first", -1);
    node.removeListener(gone);
    node.removeListener({});
    grove.all[0]!.node.submit("sent", 1001);
    await until("all have run", () => seen.length === 4);
    assert.deepEqual(seen, [["first", "sent"], ["second", "first"], ["third", "second"], [
      "last",
      "third",
    ]]);
  });

  Deno.test(`${routing}: a listener that fails ends the message for those behind it, and the node goes on`, async () => {
    await using grove = grow([-1, 0]);
    const { node, received, errors } = grove.all[1]!;
    const numbers: unknown[] = [];
    node.addListener({
      priority: -1,
      onMessageReceived: ({ payload }) => {
        if (payload === "bad") return Promise.reject(Object.assign(new Error("no"), { errno: 5 }));
      },
      onRouterError: (...args) => void numbers.push(args.slice(0, 3)),
    });
    grove.all[0]!.node.submit("bad", 1001, { ack: true });
    grove.all[0]!.node.submit("good", 1001);
    await until("the good one arrives", () => received.length === 1);
    assert.equal(received[0]!.payload, "good");
    assert.equal(errors.length, 1);
    assert.deepEqual(numbers, [["receive", 5, "no"]]);
    await until("the bad one counts as processed", () => grove.all[0]!.received.length === 1);
    await until("nothing waits", () => grove.all[0]!.node.pendingMessages() === 0);
  });

  Deno.test(`${routing}: interceptors run in order until one stops it, and are offered errors`, async () => {
    await using grove = grow([-1, 0]);
    const ran: unknown[] = [];
    const note = (name: string) => ({
      matches: ({ hasException }: { hasException: boolean }) => !hasException,
      handlers: [async ({ message }: { message: { payload: unknown } }) => {
        await Promise.resolve();
        ran.push([name, message.payload]);
      }],
    });
    grove.all[1]!.node.addListener(
      new InterceptorListener([
        note("a"),
        { ...note("never"), matches: () => false },
        {
          matches: ({ hasException }) => hasException,
          handlers: [(event) => {
            ran.push((event.exception as Error).message);
            assert.throws(() => event.message, TypeError);
          }],
        },
        {
          ...note("b"),
          handlers: [...note("b").handlers, ...note("c").handlers],
          stopPropagation: true,
        },
        note("d"),
      ]),
    );
    grove.all[1]!.node.addListener({
      onMessageReceived() {
        throw new Error("behind");
      },
    });
    grove.all[0]!.node.submit(1, 1001);
    await until("all have run", () => ran.length === 4);
    assert.deepEqual(ran, [["a", 1], ["b", 1], ["c", 1], "behind"]);
  });

  Deno.test(`${routing}: joining and leaving a group takes effect for the next message`, async () => {
    await using grove = grow([-1, 0]);
    const [root, kid] = grove.all;
    root!.node.joinGroup("g");
    const send = async (number: number) => {
      root!.node.submit(number, { group: "g" });
      await until("it is done", () => root!.node.pendingMessages() === 0);
    };
    await send(1);
    kid!.node.joinGroup("g");
    assert.deepEqual(kid!.node.groups(), ["g"]);
    await send(2);
    kid!.node.leaveGroup("g");
    await send(3);
    assert.deepEqual(kid!.received.map(({ payload, group }) => [payload, group]), [[2, "g"]]);
    assert.equal(root!.received.length, 0);
    assert.throws(() => kid!.node.joinGroup(""), RangeError);
    for (let at = 0; at < 1024; at++) kid!.node.joinGroup(`g${at}`);
    assert.throws(() => kid!.node.joinGroup("more"), RangeError);
  });

  Deno.test(`${routing}: a full queue refuses, nothing of the refused goes anywhere, and there is room again`, async () => {
    await using grove = grow([-1, 0, 0], { maxQueued: 100 });
    const { node } = grove.all[0]!;
    const gate = Promise.withResolvers<void>();
    grove.all[1]!.node.addListener({ onMessageReceived: () => gate.promise });
    node.submit(0, 1001);
    await until("the other is busy", () => grove.all[1]!.received.length === 1);
    let sent = 1;
    assert.throws(() => {
      for (; sent < 5000; sent++) node.submit(sent, 1001);
    }, { code: "QUEUE_FULL" });
    // What one message keeps busy, the window, and the queue.
    assert.equal(sent, 1024 + 100);
    assert.throws(() => node.submit("all", { all: true }), { code: "QUEUE_FULL" });
    node.submit("other", 1002);
    await until("the other has it", () => grove.all[2]!.received.length === 1);
    gate.resolve();
    await until("there is room", () => node.pendingMessages() < sent - 100);
    node.submit(sent++, 1001);
    await until("all arrives", () => grove.all[1]!.received.length === sent);
    assert.deepEqual(grove.all[1]!.received.map(({ payload }) => payload), [...Array(sent).keys()]);
    assert.equal(grove.all[2]!.received.length, 1);
  });

  Deno.test(`${routing}: a node in the middle waits for room and loses nothing`, async () => {
    await using grove = grow([-1, 0, 1], { maxQueued: 1500 });
    const gate = Promise.withResolvers<void>();
    const [{ node }, , far] = grove.all as [typeof grove.all[0], unknown, typeof grove.all[0]];
    far.node.addListener({ onMessageReceived: () => gate.promise });
    node.submit(0, 1002);
    await until("the far one is busy", () => far.received.length === 1);
    let sent = 1;
    // Two windows and two queues are all that there is room for.
    for (; sent < 10_000; sent++) {
      try {
        node.submit(sent, 1002);
      } catch {
        if (node.pendingMessages() === 1024 + 1500 && sent >= 2 * (1024 + 1500)) break;
        sent--;
        await new Promise((resolve) => setTimeout(resolve));
      }
    }
    assert.ok(sent < 10_000 && sent <= 2 * (1024 + 1500) + 2, `${sent} were taken`);
    gate.resolve();
    await until("all arrives", () => far.received.length === sent);
    assert.deepEqual(far.received.map(({ payload }) => payload), [...Array(sent).keys()]);
  });

  Deno.test(`${routing}: an urgent message goes before those that wait, and is no duplicate of what it overtakes`, async () => {
    await using grove = grow([-1, 0, 1]);
    const { node } = grove.all[0]!;
    const total = SEEN_WINDOW + 3000;
    node.submit(0, 1002);
    await until("the links are open", () => grove.all[2]!.received.length === 1);
    for (let number = 1; number < total; number++) node.submit(number, 1002);
    node.submit("urgent", 1002, { urgent: true });
    const { received } = grove.all[2]!;
    await until("all arrives", () => received.length === total + 1);
    const place = received.findIndex(({ isUrgent }) => isUrgent);
    assert.ok(place > 0 && place < total / 2, `it came as number ${place}`);
    assert.ok(grove.all.every(({ node }) => node.statistics().duplicates === 0));
  });

  Deno.test(`${routing}: in a ring nothing goes round for ever, and each node gets it once`, async () => {
    await using grove = grow([-1, 0, 1, 2]);
    join(grove.all[0]!, grove.all[3]!);
    grove.all[1]!.node.submit("round", { all: true });
    await until("all is done", () => grove.all.every(({ node }) => node.pendingMessages() === 0));
    assert.deepEqual(grove.all.map(({ received }) => received.length), [1, 0, 1, 1]);
    const duplicates = grove.all.map(({ node }) => node.statistics().duplicates);
    assert.equal(duplicates.reduce((sum, count) => sum + count), 2);
  });

  Deno.test(`${routing}: a message is dropped with an error behind 64 links`, async () => {
    const chain = Array.from({ length: 67 }, (_, index) => index - 1);
    await using grove = grow(chain);
    grove.all[0]!.node.submit("far", { all: true });
    await until("it is dropped", () => grove.all[65]!.errors.length === 1);
    assert.equal((grove.all[65]!.errors[0] as RouterError).code, "HOPS_EXCEEDED");
    assert.equal(grove.all[64]!.received.length, 1);
    assert.equal(grove.all[64]!.received[0]!.hops, 64);
    assert.equal(grove.all[65]!.received.length + grove.all[66]!.received.length, 0);
  });
}
