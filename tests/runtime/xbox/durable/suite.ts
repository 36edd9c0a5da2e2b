/**
 * What durable posts have to do on every engine.
 *
 * @module
 */

import assert from "node:assert/strict";
import type { Engine } from "../../../../runtime/store/engine.ts";
import type { PostsStatus } from "../../../../runtime/types/posts.ts";
import type { Delivery } from "../../../../runtime/xbox/durable/queue.ts";
import { Clock, cuttable, empty, gate, open, until } from "./support.ts";

/** An engine that is empty, for one test; its end closes it. */
export interface Opened extends AsyncDisposable {
  /** The engine. */
  engine: Engine;
  /** Another engine on the same rows, or the same one. */
  second(): Promise<Engine>;
}

const messages = (seen: readonly Delivery[]) => seen.map(({ message }) => message);
const depth = ({ waiting, delayed, running, dead }: PostsStatus) => [
  ...[waiting, delayed, running, dead],
];

/** Runs the suite on what `make` opens. */
export function durableSuite(
  name: string,
  make: () => Promise<Opened>,
  { ignore = false } = {},
): void {
  for (const [title, test] of Object.entries(CASES)) {
    Deno.test({
      name: `durable posts in ${name}: ${title}`,
      ignore,
      fn: async () => {
        await using opened = await make();
        await test(opened);
      },
    });
  }
}

const CASES: Record<string, (opened: Opened) => Promise<void>> = {
  "what is accepted is handled once and then gone": async ({ engine }) => {
    await using one = open(engine);
    const sent = Array.from({ length: 200 }, (_, n) => n);
    await Promise.all(sent.map((n) => one.queue.accept({ n }, { timeoutMs: 5, to: "box-2" })));
    await empty(one.queue);
    assert.deepEqual(
      one.seen.map(({ message }) => (message as { n: number }).n).toSorted((a, b) => a - b),
      sent,
    );
    assert.deepEqual([one.seen[0]!.attempt, one.seen[0]!.timeoutMs, one.seen[0]!.to], [
      ...[1, 5, "box-2"],
    ]);
    assert.deepEqual(depth(one.queue.status()), [0, 0, 0, 0]);
    const left = await Array.fromAsync(engine.scan(["tandem", "post"]), ({ key }) => key[2]);
    assert.deepEqual(left.filter((kind) => kind !== "bell"), []);
  },

  "a message that nobody was there for is handled by whoever comes": async (opened) => {
    const value = { map: new Map([[1n, new Date(5)]]), bytes: new Uint8Array([1, 2]) };
    {
      await using away = open(opened.engine, { starts: false });
      await away.queue.accept(value);
      assert.deepEqual(depth(await away.queue.count()), [1, 0, 0, 0]);
    }
    await using one = open(await opened.second());
    await until(() => one.seen.length === 1);
    assert.deepEqual(one.seen[0]!.message, value);
  },

  "what one box has no hands for another takes": async (opened) => {
    const held = gate();
    await using busy = open(opened.engine, {
      options: { concurrency: 1 },
      deliver: () => held.pass,
    });
    await busy.queue.accept("first");
    await using free = open(await opened.second());
    await Promise.all([..."abcdef"].map((one) => busy.queue.accept(one)));
    await until(() => free.seen.length === 6);
    held.open();
    await empty(busy.queue);
    assert.deepEqual(messages(busy.seen), ["first"]);
    assert.deepEqual(messages(free.seen).toSorted(), [..."abcdef"]);
  },

  "two boxes share a backlog, and nothing is handled twice": async (opened) => {
    await using away = open(opened.engine, { starts: false });
    const sent = Array.from({ length: 300 }, (_, n) => n);
    await Promise.all(sent.map((n) => away.queue.accept(n)));
    const options = { concurrency: 8 };
    await using one = open(opened.engine, { options });
    await using two = open(await opened.second(), { options });
    await empty(one.queue);
    const seen = [...messages(one.seen), ...messages(two.seen)] as number[];
    assert.deepEqual(seen.toSorted((a, b) => a - b), sent);
    assert.ok(two.seen.length > 0 && one.seen.length > 0);
  },

  "a second message of a key is not delivered until the key is forgotten": async ({ engine }) => {
    const clock = new Clock();
    const held = gate();
    await using one = open(engine, {
      clock,
      options: { keepKeysMs: 60_000 },
      deliver: () => held.pass,
    });
    await one.queue.accept("a", { key: "k" });
    await Promise.all([..."bcd"].map((text) => one.queue.accept(text, { key: "k" })));
    assert.equal(one.seen[0]!.key, "k");
    held.open();
    await empty(one.queue);
    await one.queue.accept("e", { key: "k" });
    assert.deepEqual(messages(one.seen), ["a"]);
    assert.equal(one.queue.status().here.duplicates, 4);
    clock.move(60_001);
    await one.queue.accept("f", { key: "k" });
    await until(() => one.seen.length === 2);
    assert.deepEqual(messages(one.seen), ["a", "f"]);
  },

  "of many posts of one key at once one is delivered": async (opened) => {
    await using one = open(opened.engine);
    await using two = open(await opened.second());
    const posts = Array.from({ length: 40 }, (_, n) => [one, two][n % 2]!.queue);
    await Promise.all(posts.map((queue, n) => queue.accept(n, { key: "same" })));
    await empty(one.queue);
    assert.equal(one.seen.length + two.seen.length, 1);
    const counts = [one, two].map(({ queue }) => queue.status().here);
    assert.equal(counts[0]!.duplicates + counts[1]!.duplicates, 39);
  },

  "a failed one is tried again after pauses that double, and then given up": async ({ engine }) => {
    const clock = new Clock();
    await using one = open(engine, {
      clock,
      options: { attempts: 4, backOffMs: 100, maxBackOffMs: 300 },
      deliver: ({ attempt }) => Promise.reject(new RangeError(`no ${attempt}`)),
    });
    await one.queue.accept("m", { key: "k", to: "there" });
    for (const [index, pause] of [100, 200, 300].entries()) {
      await until(async () => (await one.queue.count()).delayed === 1);
      clock.move(pause - 1);
      assert.equal((await one.queue.count()).delayed, 1);
      assert.equal(one.seen.length, index + 1);
      clock.move(1);
      await until(() => one.seen.length === index + 2);
    }
    await until(async () => (await one.queue.count()).dead === 1);
    const [letter, ...others] = await one.queue.dead();
    assert.equal(others.length, 0);
    const { key, to, attempts, diedAt, error, message } = letter!;
    assert.deepEqual([key, to, attempts, diedAt, message], ["k", "there", 4, clock.time, "m"]);
    assert.deepEqual([error.name, error.message], ["RangeError", "no 4"]);
    assert.deepEqual(one.seen.map(({ attempt }) => attempt), [1, 2, 3, 4]);
    // Its key is free: nothing of that name waits or was handled.
    await one.queue.accept("again", { key: "k", attempts: 1 });
    await until(async () => (await one.queue.count()).dead === 2);
  },

  "dead letters can be read in parts, tried anew and removed": async ({ engine }) => {
    let isBroken = true;
    await using one = open(engine, {
      options: { attempts: 1 },
      deliver: () => isBroken ? Promise.reject(new Error("broken")) : Promise.resolve(),
    });
    for (const text of "abcde") await one.queue.accept(text, { orderingKey: "o" });
    await until(async () => (await one.queue.count()).dead === 5);
    const first = await one.queue.dead({ limit: 2 });
    const rest = await one.queue.dead({ after: first[1]!.id });
    assert.deepEqual([...first, ...rest].map(({ message }) => message), [..."abcde"]);
    isBroken = false;
    const retried = [first[0]!.id, first[1]!.id, "none"];
    assert.equal(await one.queue.retry(retried), 2);
    await until(() => one.seen.length === 7);
    assert.deepEqual(messages(one.seen).slice(5).toSorted(), ["a", "b"]);
    assert.equal(one.seen[5]!.attempt, 1);
    assert.equal(await one.queue.clear([rest[0]!.id]), 1);
    assert.equal(await one.queue.retry("all"), 2);
    await empty(one.queue);
    assert.equal(await one.queue.clear("all"), 0);
    assert.deepEqual(depth(await one.queue.count()), [0, 0, 0, 0]);
    const left = await Array.fromAsync(engine.scan(["tandem", "post"]), ({ key }) => key[2]);
    assert.deepEqual(left.filter((kind) => kind !== "bell"), []);
  },

  "a dead letter whose key was posted again stays where it is": async ({ engine }) => {
    let isBroken = true;
    await using one = open(engine, {
      options: { attempts: 1 },
      deliver: () => isBroken ? Promise.reject(new Error("broken")) : Promise.resolve(),
    });
    await one.queue.accept("old", { key: "k" });
    await until(async () => (await one.queue.count()).dead === 1);
    isBroken = false;
    await one.queue.accept("new", { key: "k" });
    await empty(one.queue);
    assert.equal(await one.queue.retry("all"), 0);
    assert.deepEqual(messages(one.seen), ["old", "new"]);
    assert.equal(await one.queue.clear("all"), 1);
  },

  "messages of one ordering key are handled one after another, as they were accepted": async (
    opened,
  ) => {
    const order = new Map<string, number[]>();
    const now = new Set<string>();
    const deliver = async ({ message }: Delivery) => {
      const { line, n } = message as { line: string; n: number };
      assert.ok(!now.has(line), "two of one line at once");
      now.add(line);
      await Promise.resolve();
      order.set(line, [...order.get(line) ?? [], n]);
      now.delete(line);
    };
    await using one = open(opened.engine, { deliver });
    await using two = open(await opened.second(), { deliver });
    for (let n = 0; n < 20; n++) {
      await Promise.all(
        ["x", "y"].map((line) =>
          [one, two][n % 2]!.queue.accept({ line, n }, { orderingKey: line })
        ),
      );
    }
    const together = Array.from({ length: 20 }, (_, n) => ({ line: "z", n }));
    await Promise.all(together.map((one_) => one.queue.accept(one_, { orderingKey: "z" })));
    await empty(one.queue);
    const expected = Array.from({ length: 20 }, (_, n) => n);
    for (const line of ["x", "y", "z"]) assert.deepEqual(order.get(line), expected);
  },

  "one that waits for its retry holds its line back, a dead one lets it go on": async (
    { engine },
  ) => {
    const clock = new Clock();
    await using one = open(engine, {
      clock,
      options: { attempts: 2, backOffMs: 1000 },
      deliver: ({ message }) =>
        message === "bad" ? Promise.reject(new Error("bad")) : Promise.resolve(),
    });
    for (const text of ["bad", "next", "last"]) {
      await one.queue.accept(text, { orderingKey: "o" });
    }
    await one.queue.accept("other", { orderingKey: "p" });
    await until(() => one.seen.length === 2);
    await until(async () => (await one.queue.count()).delayed === 1);
    assert.equal((await one.queue.count()).waiting, 2);
    clock.move(1000);
    await empty(one.queue);
    assert.deepEqual(messages(one.seen).filter((text) => text !== "other"), [
      ...["bad", "bad", "next", "last"],
    ]);
    assert.equal((await one.queue.dead()).length, 1);
  },

  "a message waits for its time": async ({ engine }) => {
    const clock = new Clock();
    await using one = open(engine, { clock });
    await one.queue.accept("later", { at: new Date(clock.time + 5000) });
    await one.queue.accept("past", { at: clock.time - 5000 });
    await until(() => one.seen.length === 1);
    clock.move(4999);
    assert.equal((await one.queue.count()).delayed, 1);
    clock.move(1);
    await until(() => one.seen.length === 2);
    assert.deepEqual(messages(one.seen), ["past", "later"]);
  },

  "a repeated one keeps to its grid, and makes up once for what was missed": async ({ engine }) => {
    const clock = new Clock();
    await using one = open(engine, { clock });
    const begin = clock.time + 1000;
    await one.queue.accept("tick", { key: "t", everyMs: 1000, at: begin });
    const turn = async (ms: number, count: number) => {
      clock.move(ms);
      await until(() => one.seen.length === count);
      await until(async () => (await one.queue.count()).delayed === 1);
    };
    await turn(1000, 1);
    await turn(1300, 2); // 2300: the one of 2000
    await turn(700, 3); // 3000
    await turn(4500, 4); // 7500: those of 4000 to 7000
    clock.move(499);
    assert.equal((await one.queue.count()).delayed, 1);
    await turn(1, 5); // 8000
    assert.deepEqual(one.seen.map(({ attempt }) => attempt), [1, 1, 1, 1, 1]);
    assert.equal(await one.queue.unpost("t"), true);
    assert.equal(await one.queue.unpost("t"), false);
    clock.move(10_000);
    await empty(one.queue);
    assert.equal(one.seen.length, 5);
  },

  "a second post changes what is repeated": async ({ engine }) => {
    const clock = new Clock();
    await using one = open(engine, { clock });
    const post = (message: string, everyMs: number, at?: number) =>
      one.queue.accept(message, { key: "t", everyMs, at });
    await post("a", 10_000, clock.time + 10_000);
    await post("b", 10_000); // the same grid, another message
    clock.move(10_000);
    await until(() => one.seen.length === 1);
    await until(async () => (await one.queue.count()).delayed === 1);
    await post("c", 2000);
    clock.move(2000);
    await until(() => one.seen.length === 2);
    await until(async () => (await one.queue.count()).delayed === 1);
    await post("d", 2000, clock.time + 500);
    clock.move(500);
    await until(() => one.seen.length === 3);
    assert.deepEqual(messages(one.seen), ["b", "c", "d"]);
    await until(async () => (await one.queue.count()).delayed === 1);
  },

  "a repeated one that is changed while it is handled goes by what is new": async ({ engine }) => {
    const clock = new Clock();
    const held = gate();
    await using one = open(engine, { clock, deliver: () => held.pass });
    await one.queue.accept("a", { key: "t", everyMs: 1000 });
    await one.queue.accept("b", { key: "t", everyMs: 1000, at: clock.time + 7000 });
    held.open();
    await until(async () => (await one.queue.count()).delayed === 1);
    clock.move(6999);
    assert.equal((await one.queue.count()).delayed, 1);
    clock.move(1);
    await until(() => one.seen.length === 2);
    assert.deepEqual(messages(one.seen), ["a", "b"]);
  },

  "a repeated one that fails for ever leaves one dead copy, and goes on": async ({ engine }) => {
    const clock = new Clock();
    const held = gate();
    let isHeld = false;
    let said = 0;
    await using one = open(engine, {
      clock,
      options: { attempts: 1 },
      deliver: async ({ message }) => {
        const text = `${(message as string).length} ${++said}`;
        if (isHeld) await held.pass;
        throw new Error(text);
      },
    });
    const whys = async () => (await one.queue.dead()).map(({ error }) => error.message);
    const tick = async (why: string) => {
      clock.move(1000);
      await until(async () => (await whys()).includes(why));
      await until(async () => (await one.queue.count()).delayed === 1);
    };
    // Too large for one row.
    await one.queue.accept("x".repeat(200_000), { key: "t", everyMs: 1000 });
    await tick("200000 2");
    await one.queue.accept("tick", { key: "t", everyMs: 1000 });
    await tick("4 3");
    assert.deepEqual(await whys(), ["4 3"]);
    // What the first copy was is gone at once, and not only when the store looks after what was left.
    await until(async () => (await Array.fromAsync(engine.scan(["tandem", "part"]))).length === 0);
    const [letter] = await one.queue.dead();
    assert.deepEqual([letter!.key, letter!.message], ["t", "tick"]);
    // A copy that is tried anew is not overwritten.
    isHeld = true;
    assert.equal(await one.queue.retry("all"), 1);
    await until(() => said === 4);
    isHeld = false;
    await tick("4 5");
    held.open();
    await until(async () => (await one.queue.count()).dead === 2);
    assert.deepEqual((await whys()).sort(), ["4 4", "4 5"]);
    assert.equal(await one.queue.unpost("t"), true);
    assert.equal(await one.queue.clear("all"), 2);
    assert.deepEqual(depth(await one.queue.count()), [0, 0, 0, 0]);
  },

  "one that waits can be taken back": async ({ engine }) => {
    const clock = new Clock();
    await using one = open(engine, { clock, starts: false });
    const options = { orderingKey: "o" };
    for (const text of "abc") await one.queue.accept(text, { ...options, key: text });
    await one.queue.accept("later", { key: "later", at: clock.time + 1e6 });
    for (const key of ["a", "b", "later"]) assert.equal(await one.queue.unpost(key), true);
    assert.equal(await one.queue.unpost("none"), false);
    one.queue.start();
    await empty(one.queue);
    assert.deepEqual(messages(one.seen), ["c"]);
    await one.queue.accept("d", { key: "a" });
    await empty(one.queue);
    assert.deepEqual(messages(one.seen), ["c", "d"]);
  },

  "workers change only what their like have posted, and the box itself changes all": async (
    { engine },
  ) => {
    const clock = new Clock();
    await using one = open(engine, { clock, starts: false });
    const { queue } = one;
    const later = { at: clock.time + 1e6 };
    await queue.accept("of a", { key: "a", ...later }, "worker a");
    await queue.accept("of the box", { key: "box", ...later });
    await queue.accept("again", { key: "again", everyMs: 60_000 }, "worker a");
    for (const key of ["a", "box", "again"]) {
      assert.equal(await queue.unpost(key, "worker b"), false);
    }
    // It is taken for a repeated post, and changes nothing.
    await queue.accept("of b", { key: "again", everyMs: 60_000 }, "worker b");
    queue.start();
    await until(() => one.seen.length > 0);
    assert.deepEqual(messages(one.seen), ["again"]);
    assert.equal(await queue.unpost("a", "worker a"), true);
    for (const key of ["box", "again"]) assert.equal(await queue.unpost(key), true);
    await empty(queue);
    assert.deepEqual(messages(one.seen), ["again"]);
  },

  "one that is handled goes on when it is taken back, and is not tried again": async (
    { engine },
  ) => {
    const held = gate();
    await using one = open(engine, {
      deliver: async ({ message }) => {
        if (message !== "a") return;
        await held.pass;
        throw new Error("failed");
      },
    });
    await one.queue.accept("a", { key: "k", orderingKey: "o" });
    await one.queue.accept("b", { orderingKey: "o" });
    assert.equal(await one.queue.unpost("k"), true);
    assert.equal(one.seen.length, 1);
    held.open();
    await empty(one.queue);
    assert.deepEqual(messages(one.seen), ["a", "b"]);
    assert.equal((await one.queue.count()).dead, 0);
  },

  "a box that goes silent loses what it handles": async (opened) => {
    const clock = new Clock();
    const held = gate();
    let lostSignal: AbortSignal | undefined;
    await using silent = open(opened.engine, {
      deliver: (_, signal) => {
        lostSignal = signal;
        return held.pass;
      },
    });
    await silent.queue.accept("m", { key: "k" });
    // Another box, in whose eyes the lease is over.
    clock.move(1_000_000);
    await using other = open(await opened.second(), { clock });
    await until(() => other.seen.length === 1);
    assert.equal(other.seen[0]!.attempt, 2);
    assert.equal(other.seen[0]!.key, "k");
    await empty(other.queue);
    held.open();
    await until(() => silent.queue.running === 0);
    assert.equal(silent.queue.status().here.lost, 1);
    assert.ok(silent.lines.some((line) => /handled by another box/.test(line)));
    assert.ok(lostSignal !== undefined);
  },

  "a lease is renewed while its handler works": async (opened) => {
    const held = gate();
    const options = { leaseMs: 100 };
    await using slow = open(opened.engine, { options, deliver: () => held.pass });
    await slow.queue.accept("m");
    await using other = open(await opened.second(), { options });
    const [first] = await Array.fromAsync(opened.engine.scan(["tandem", "post", "due"]));
    const begun = first!.key[3] as number;
    await until(async () => {
      const [row] = await Array.fromAsync(opened.engine.scan(["tandem", "post", "due"]));
      return row!.key[3] as number > begun + 300;
    });
    held.open();
    await empty(slow.queue);
    assert.deepEqual([slow.seen.length, other.seen.length], [1, 0]);
  },

  "a box that takes over learns that its message killed the one before": async (opened) => {
    const clock = new Clock();
    const options = { attempts: 3 };
    const never = () => new Promise<void>(() => {});
    const tests = [];
    for (let n = 1; n <= 3; n++) {
      const { engine, cut } = cuttable(opened.engine);
      const box = open(engine, { options, clock, deliver: never });
      tests.push(box);
      if (n === 1) await box.queue.accept("poison");
      await until(() => box.seen.length === 1);
      assert.equal(box.seen[0]!.attempt, n);
      cut();
      clock.time += 100_000;
    }
    await using last = open(opened.engine, { options, clock });
    await until(async () => (await last.queue.count()).dead === 1);
    assert.equal(last.seen.length, 0);
    const [letter] = await last.queue.dead();
    assert.equal(letter!.attempts, 3);
    assert.match(letter!.error.message, /ended or was cut off/);
    for (const box of tests) await box.queue.stop(0);
  },

  "large messages are stored in parts, and leave nothing behind": async (opened) => {
    const big = new Uint8Array(3_000_000).map((_, index) => index % 251);
    await using one = open(opened.engine, { starts: false });
    await one.queue.accept(big, { key: "k" });
    await one.queue.accept(big, { key: "k" });
    await using other = open(await opened.second());
    await until(() => other.seen.length === 1);
    assert.equal(sameBytes(other.seen[0]!.message as Uint8Array, big), true);
    await empty(one.queue);
    await until(async () => {
      const parts = await Array.fromAsync(opened.engine.scan(["tandem", "part"]), () => 1);
      const marks = await Array.fromAsync(opened.engine.scan(["tandem", "pending"]), () => 1);
      return parts.length + marks.length === 0;
    }, "parts are left");
  },

  "a stop gives back what does not end, and no attempt is counted": async (opened) => {
    const one = open(opened.engine, { deliver: (_, signal) => aborted(signal) });
    await one.queue.accept("m");
    await one.queue.stop(0);
    await assert.rejects(one.queue.accept("n"), {
      code: "STOPPING",
      message: "Cannot post a durable message: the box is stopping",
    });
    await using other = open(await opened.second());
    await until(() => other.seen.length === 1);
    assert.equal(other.seen[0]!.attempt, 1);
  },

  "a stop waits for what ends in time": async ({ engine }) => {
    const held = gate();
    const one = open(engine, { deliver: () => held.pass });
    await one.queue.accept("m");
    const stopped = one.queue.stop(60_000);
    held.open();
    await stopped;
    await using other = open(engine);
    assert.deepEqual(depth(await other.queue.count()), [0, 0, 0, 0]);
  },

  "a full queue refuses, until there is room": async ({ engine }) => {
    await using one = open(engine, { starts: false, options: { limit: 3 } });
    for (let n = 0; n < 3; n++) await one.queue.accept(n);
    await assert.rejects(one.queue.accept(4), {
      code: "QUEUE_FULL",
      message:
        "Cannot post a durable message: 3 (posts.limit) are there already, 0 of them dead letters",
    });
    one.queue.start();
    await until(async () => (await one.queue.count()).waiting === 0);
    await one.queue.accept(4);
  },

  "dead letters take room until they are cleared": async ({ engine }) => {
    const options = { limit: 3, attempts: 1 };
    await using one = open(engine, { options, deliver: () => Promise.reject(new Error("no")) });
    for (let n = 0; n < 3; n++) await one.queue.accept(n);
    await until(async () => (await one.queue.count()).dead === 3);
    const message =
      "Cannot post a durable message: 3 (posts.limit) are there already, 3 of them dead letters";
    await assert.rejects(one.queue.accept(4), { code: "QUEUE_FULL", message });
    const [first, second] = await one.queue.dead();
    // One that went on while they came counted some of them twice.
    await one.queue.count();
    assert.equal(await one.queue.clear([first!.id]), 1);
    await one.queue.accept(5);
    await assert.rejects(one.queue.accept(6), { code: "QUEUE_FULL" });
    await until(async () => (await one.queue.count()).dead === 3);
    assert.equal(await one.queue.clear([first!.id, second!.id]), 1);
  },

  "a dead letter that is tried anew takes no more room": async ({ engine }) => {
    const held = gate();
    let isHeld = false;
    await using one = open(engine, {
      options: { limit: 3, attempts: 1 },
      deliver: async () => {
        if (isHeld) await held.pass;
        else throw new Error("no");
      },
    });
    for (let n = 0; n < 2; n++) await one.queue.accept(n);
    await until(async () => (await one.queue.count()).dead === 2);
    isHeld = true;
    await one.queue.count();
    assert.equal(await one.queue.retry("all"), 2);
    await one.queue.accept(3);
    await assert.rejects(one.queue.accept(4), { code: "QUEUE_FULL" });
    held.open();
    await empty(one.queue);
  },

  "a full queue takes no more either when many come at once": async ({ engine }) => {
    await using one = open(engine, { starts: false, options: { limit: 3 } });
    const posts = Array.from({ length: 50 }, (_, n) => one.queue.accept(n));
    const ends = await Promise.allSettled(posts);
    assert.equal(ends.filter(({ status }) => status === "fulfilled").length, 3);
    assert.equal((await one.queue.count()).waiting, 3);
  },

  "what came while all places were taken begins when one is free": async ({ engine }) => {
    await using one = open(engine, {
      options: { concurrency: 1 },
      deliver: () => new Promise((resolve) => setTimeout(resolve, 5)),
    });
    const began = performance.now();
    for (let n = 2; n <= 24; n += 2) {
      await Promise.all([one.queue.accept(n), one.queue.accept(n)]);
      await until(() => one.seen.length === n && one.queue.running === 0);
    }
    // A box that waited for its next look would take half a second for each of twelve.
    assert.ok(performance.now() - began < 4000);
  },

  "one of a line that comes to be repeated lets the line go on": async ({ engine }) => {
    const clock = new Clock();
    await using one = open(engine, { clock, starts: false });
    const options = { orderingKey: "o" };
    await one.queue.accept("a", { ...options, key: "a" });
    await one.queue.accept("b", { ...options, key: "b" });
    await one.queue.accept("c", options);
    await one.queue.accept("A", { key: "a", everyMs: 1e6 });
    await one.queue.accept("B", { key: "b", everyMs: 1e6, at: clock.time + 1000 });
    one.queue.start();
    await until(() => one.seen.length === 1);
    await until(async () => (await one.queue.count()).delayed === 2);
    assert.deepEqual(messages(one.seen), ["A"]);
    clock.move(1000);
    await until(() => one.seen.length === 3);
    assert.deepEqual(messages(one.seen), ["A", "B", "c"]);
    await until(async () => (await one.queue.count()).delayed === 2);
    clock.move(999_000);
    await until(() => one.seen.length === 4);
    clock.move(1000);
    await until(() => one.seen.length === 5);
    for (const key of "ab") await until(() => one.queue.unpost(key));
    await empty(one.queue);
    const left = await Array.fromAsync(engine.scan(["tandem", "post"]), ({ key }) => key[2]);
    assert.deepEqual(left.filter((kind) => kind !== "bell"), []);
  },

  "the others of a line do not wait for the time of one that was taken back": async (
    { engine },
  ) => {
    const clock = new Clock();
    await using one = open(engine, { clock });
    await one.queue.accept("a", { orderingKey: "o", key: "a", at: clock.time + 1e6 });
    await one.queue.accept("b", { orderingKey: "o" });
    assert.equal(await one.queue.unpost("a"), true);
    await until(() => one.seen.length === 1);
    assert.deepEqual(messages(one.seen), ["b"]);
    await empty(one.queue);
  },

  "a lease is not longer than a lease when the clock was set back": async ({ engine }) => {
    const clock = new Clock();
    const held = gate();
    const options = { leaseMs: 120 };
    await using one = open(engine, { clock, options, deliver: () => held.pass });
    await one.queue.accept("m");
    clock.time -= 1e6;
    await until(async () => {
      const [row] = await Array.fromAsync(engine.scan(["tandem", "post", "due"]));
      return row!.key[3] as number <= clock.time + options.leaseMs;
    });
    held.open();
    await empty(one.queue);
  },

  "a dead letter that cannot be read is not tried anew without its bytes": async ({ engine }) => {
    await using one = open(engine, {
      options: { attempts: 1 },
      deliver: () => Promise.reject(new Error("no")),
    });
    await one.queue.accept("a");
    await until(async () => (await one.queue.count()).dead === 1);
    const [row] = await Array.fromAsync(engine.scan(["tandem", "post", "message"]));
    const later = row!.value!.slice();
    later[0] = 99; // as a later version may write it
    await engine.commit([], [{ key: row!.key, value: later }]);
    assert.equal((await one.queue.dead())[0]!.message, undefined);
    assert.equal(await one.queue.retry("all"), 0);
    const [kept] = await engine.read([row!.key]);
    assert.deepEqual([...kept!.value!], [...later]);
    await engine.commit([], [{ key: row!.key, value: row!.value }]);
    assert.equal(await one.queue.retry("all"), 1);
    await until(() => one.seen.length === 2);
  },

  "a large dead letter is read only by who wants it": async ({ engine }) => {
    await using one = open(engine, {
      options: { attempts: 1 },
      deliver: () => Promise.reject(new Error("no")),
    });
    await one.queue.accept("x".repeat(1e5));
    await until(async () => (await one.queue.count()).dead === 1);
    const [small] = await one.queue.dead({ maxBytes: 1e4 });
    assert.equal(small!.message, undefined);
    assert.ok(small!.bytes >= 1e5);
    assert.equal((await one.queue.dead())[0]!.message, "x".repeat(1e5));
    await assert.rejects(one.queue.dead({ maxBytes: NaN }), TypeError);
  },

  "what is being written has a limit": async ({ engine }) => {
    await using one = open(engine, { starts: false, maxMessageBytes: 1000 });
    const bytes = new Uint8Array(900);
    const post = () => one.queue.accept(bytes, { orderingKey: "o" });
    const ends = await Promise.allSettled(Array.from({ length: 40 }, post));
    const refused = ends.filter((end) => end.status === "rejected");
    assert.equal(refused.length, 40 - 17);
    assert.match(String(refused[0]!.reason), /those that are being written take/);
    await post();
  },
};

function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, index) => byte === b[index]);
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((_, reject) =>
    signal.addEventListener("abort", () => reject(signal.reason), { once: true })
  );
}
