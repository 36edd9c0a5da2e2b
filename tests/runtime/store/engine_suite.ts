/**
 * What every engine has to do.
 *
 * @module
 */

import assert from "node:assert/strict";
import type { Engine, Row, RowWrite } from "../../../runtime/store/engine.ts";
import { compareKeys, hasPrefix, type KvKey } from "../../../runtime/store/keys.ts";

/** An engine that is empty, for one test. */
export interface OpenedEngine extends AsyncDisposable {
  /** The engine; its end closes it unless the test has. */
  engine: Engine;
  /** Opens another engine on the same rows, where that is possible; closed like the first. */
  reopen?: () => Promise<Engine>;
}

type Case = (opened: OpenedEngine) => Promise<void>;

/** Runs the suite on what `open` opens. */
export function engineSuite(
  name: string,
  open: () => Promise<OpenedEngine>,
  { ignore = false, together = true }: {
    /** Whether to leave it out. */
    ignore?: boolean;
    /** Whether there can be two engines on the same rows. */
    together?: boolean;
  } = {},
): void {
  for (const [title, test] of Object.entries(CASES)) {
    Deno.test({
      name: `${name}: ${title}`,
      ignore,
      fn: async () => {
        await using opened = await open();
        await test(opened);
      },
    });
  }
  for (const [title, test] of Object.entries(CASES_OF_TWO)) {
    Deno.test({
      name: `${name}: ${title}`,
      ignore: ignore || !together,
      fn: async () => {
        await using opened = await open();
        await test(opened.engine, await opened.reopen!());
      },
    });
  }
}

/** Makes bytes of text. */
export function bytesOf(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

/** Reads one row's text, `null` where there is none. */
export async function textOf(engine: Engine, key: KvKey): Promise<string | null> {
  const [row] = await engine.read([key]);
  return row!.value === null ? null : new TextDecoder().decode(row!.value);
}

/** Asks until it holds, for ten seconds. */
export async function until(holds: () => boolean | Promise<boolean>): Promise<void> {
  const end = performance.now() + 10_000;
  while (!await holds()) {
    assert.ok(performance.now() < end, "It does not come to hold");
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
}

/** Adds one to a row that holds a number, however many others do. */
export async function increment(engine: Engine, key: KvKey): Promise<void> {
  while (true) {
    const [row] = await engine.read([key]);
    const count = row!.value === null ? 0 : Number(new TextDecoder().decode(row!.value));
    const value = bytesOf(String(count + 1));
    if (await engine.commit([row!], [{ key, value }]) !== null) return;
  }
}

const KEYS_OF_EVERY_KIND: readonly KvKey[] = [
  [new Uint8Array()],
  [new Uint8Array([0])],
  [new Uint8Array([0, 0])],
  [new Uint8Array([0, 1])],
  [new Uint8Array([1])],
  [new Uint8Array([1, 2])],
  [new Uint8Array([255, 255, 0])],
  ["\0"],
  ["\0\0"],
  ["\u0001"],
  ["a"],
  ["a", "b"],
  ["a", 1],
  ["a\0"],
  ["a\0b"],
  ["a\u0001"],
  ["ab"],
  ["é"],
  ["\uffff"],
  ["\u{1f600}"],
  [-(2n ** 2040n) + 1n],
  [-256n],
  [-255n],
  [-1n],
  [0n],
  [1n],
  [255n],
  [256n],
  [2n ** 64n],
  [2n ** 2040n - 1n],
  [-Infinity],
  [-Number.MAX_VALUE],
  [-1.5],
  [-1],
  [-Number.MIN_VALUE],
  [0],
  [Number.MIN_VALUE],
  [0.1],
  [1],
  [1.5],
  [2 ** 53],
  [Infinity],
  [false],
  [false, "x"],
  [true],
  [true, new Uint8Array([0]), "x", -3n, 1.25],
];

const CASES: Readonly<Record<string, Case>> = {
  "read() of no keys is empty": async ({ engine }) => {
    assert.deepEqual(await engine.read([]), []);
  },

  "read() gives null and no version where there is no row": async ({ engine }) => {
    assert.deepEqual(await engine.read([["a"]]), [{ key: ["a"], value: null, versionstamp: null }]);
  },

  "read() keeps the order of the keys, with gaps and repetitions": async ({ engine }) => {
    await fill(engine, [["a"], ["c"]]);
    const rows = await engine.read([["c"], ["b"], ["a"], ["c"]]);
    assert.deepEqual(rows.map(({ key }) => key), [["c"], ["b"], ["a"], ["c"]]);
    assert.deepEqual(rows.map(({ value }) => value !== null), [true, false, true, true]);
  },

  "read() takes any number of keys": async ({ engine }) => {
    const keys = numbered(1_234);
    await fill(engine, keys.filter((_, index) => index % 3 > 0));
    const rows = await engine.read(keys);
    assert.equal(rows.length, keys.length);
    for (const [index, { key, value }] of rows.entries()) {
      assert.deepEqual(key, keys[index]);
      assert.deepEqual(value, index % 3 > 0 ? bytesOf(String(keys[index])) : null);
    }
  },

  "read() takes many rows of full size": async ({ engine }) => {
    const keys = numbered(20);
    const { rowBytes } = engine.limits;
    for (const [index, key] of keys.entries()) {
      await engine.commit([], [{ key, value: new Uint8Array(rowBytes).fill(index) }]);
    }
    const rows = await engine.read(keys);
    for (const [index, { value }] of rows.entries()) {
      assert.equal(value!.length, rowBytes);
      assert.ok(value!.every((byte) => byte === index));
    }
  },

  "commit() returns the version that its rows have": async ({ engine }) => {
    const version = await engine.commit([], [
      { key: ["a"], value: bytesOf("1") },
      { key: ["b"], value: bytesOf("2") },
    ]);
    assert.equal(typeof version, "string");
    const rows = await engine.read([["a"], ["b"]]);
    assert.deepEqual(rows.map(({ versionstamp }) => versionstamp), [version, version]);
    assert.deepEqual(rows.map(({ value }) => value), [bytesOf("1"), bytesOf("2")]);
  },

  "commit() gives a new version to the same bytes": async ({ engine }) => {
    const write = { key: ["a"], value: bytesOf("same") };
    const versions = new Set<string | null>();
    for (let count = 0; count < 10; count++) versions.add(await engine.commit([], [write]));
    assert.equal(versions.size, 10);
  },

  "commit() leaves the version of other rows alone": async ({ engine }) => {
    const version = await engine.commit([], [{ key: ["a"], value: bytesOf("1") }]);
    await engine.commit([], [{ key: ["b"], value: bytesOf("2") }]);
    assert.equal((await engine.read([["a"]]))[0]!.versionstamp, version);
  },

  "a check for no row holds where there is none": async ({ engine }) => {
    const check = { key: ["a"], versionstamp: null };
    assert.notEqual(await engine.commit([check], [{ key: ["a"], value: bytesOf("1") }]), null);
    assert.equal(await textOf(engine, ["a"]), "1");
  },

  "a check for no row fails where there is one": async ({ engine }) => {
    await fill(engine, [["a"]]);
    const check = { key: ["a"], versionstamp: null };
    assert.equal(await engine.commit([check], [{ key: ["a"], value: bytesOf("2") }]), null);
    assert.equal(await textOf(engine, ["a"]), "a");
  },

  "a check for a version holds until the row is written": async ({ engine }) => {
    const first = await engine.commit([], [{ key: ["a"], value: bytesOf("1") }]);
    const check = { key: ["a"], versionstamp: first };
    assert.notEqual(await engine.commit([check], [{ key: ["a"], value: bytesOf("2") }]), null);
    assert.equal(await engine.commit([check], [{ key: ["a"], value: bytesOf("3") }]), null);
    assert.equal(await textOf(engine, ["a"]), "2");
  },

  "a check for a version fails where the row is gone": async ({ engine }) => {
    const versionstamp = await engine.commit([], [{ key: ["a"], value: bytesOf("1") }]);
    await engine.commit([], [{ key: ["a"], value: null }]);
    const check = { key: ["a"], versionstamp };
    assert.equal(await engine.commit([check], [{ key: ["a"], value: bytesOf("2") }]), null);
    assert.equal(await textOf(engine, ["a"]), null);
  },

  "a row that was removed and made again is another one": async ({ engine }) => {
    const write = { key: ["a"], value: bytesOf("same") };
    const versionstamp = await engine.commit([], [write]);
    await engine.commit([], [{ key: ["a"], value: null }]);
    await engine.commit([{ key: ["a"], versionstamp: null }], [write]);
    assert.equal(await engine.commit([{ key: ["a"], versionstamp }], [write]), null);
  },

  "commit() does nothing at all when one of many checks fails": async ({ engine }) => {
    await fill(engine, [["a"], ["b"], ["c"]]);
    const rows = await engine.read([["a"], ["b"], ["c"]]);
    const checks: Row[] = [rows[0]!, { ...rows[1]!, versionstamp: null }, rows[2]!];
    const result = await engine.commit(checks, [
      { key: ["a"], value: bytesOf("new") },
      { key: ["c"], value: null },
      { key: ["d"], value: bytesOf("new") },
    ]);
    assert.equal(result, null);
    assert.deepEqual(
      (await engine.read([["a"], ["b"], ["c"], ["d"]])).map(({ versionstamp }) => versionstamp),
      [...rows.map(({ versionstamp }) => versionstamp), null],
    );
    assert.equal((await Array.fromAsync(engine.scan([]))).length, 3);
  },

  "commit() takes checks of rows that it does not write": async ({ engine }) => {
    await fill(engine, [["a"]]);
    const [row] = await engine.read([["a"]]);
    const write = { key: ["b"], value: bytesOf("1") };
    assert.notEqual(await engine.commit([row!], [write]), null);
    await fill(engine, [["a"]]);
    assert.equal(await engine.commit([row!], [{ ...write, value: bytesOf("2") }]), null);
    assert.equal(await textOf(engine, ["b"]), "1");
  },

  "commit() without writes tells whether the checks hold": async ({ engine }) => {
    await fill(engine, [["a"]]);
    const [row] = await engine.read([["a"]]);
    assert.notEqual(await engine.commit([row!], []), null);
    assert.equal(await engine.commit([{ key: ["a"], versionstamp: null }], []), null);
    assert.equal((await engine.read([["a"]]))[0]!.versionstamp, row!.versionstamp);
  },

  "commit() of nothing succeeds": async ({ engine }) => {
    assert.notEqual(await engine.commit([], []), null);
  },

  "commit() removes rows, and those that are not there": async ({ engine }) => {
    await fill(engine, [["a"], ["b"]]);
    const removal = [{ key: ["a"], value: null }, { key: ["none"], value: null }];
    assert.notEqual(await engine.commit([], removal), null);
    assert.equal(await textOf(engine, ["a"]), null);
    assert.deepEqual(await keysOf(engine, []), [["b"]]);
  },

  "a row of no bytes is a row": async ({ engine }) => {
    const versionstamp = await engine.commit([], [{ key: ["a"], value: new Uint8Array() }]);
    const [row] = await engine.read([["a"]]);
    assert.deepEqual(row, { key: ["a"], value: new Uint8Array(), versionstamp });
    assert.deepEqual(await keysOf(engine, ["a"]), [["a"]]);
  },

  "all bytes come back, in a plain array that shares no memory": async ({ engine }) => {
    const value = Uint8Array.from({ length: 1024 }, (_, index) => index % 256);
    const kept = value.slice();
    await engine.commit([], [{ key: ["a"], value: value.subarray(0, 512) }]);
    value.fill(0);
    const [read] = await engine.read([["a"]]);
    const [scanned] = await Array.fromAsync(engine.scan(["a"]));
    for (const row of [read!, scanned!]) {
      assert.deepEqual(row.value, kept.subarray(0, 512));
      assert.equal(row.value!.constructor, Uint8Array);
      assert.equal(row.value!.slice().buffer.byteLength, 512);
    }
  },

  "a row takes as many bytes as the limits say": async ({ engine }) => {
    const value = new Uint8Array(engine.limits.rowBytes).fill(7);
    await engine.commit([], [{ key: ["a"], value }]);
    const [row] = await engine.read([["a"]]);
    assert.deepEqual(row!.value, value);
  },

  "a commit takes as many bytes as the limits say": async ({ engine }) => {
    const { rowBytes, commitBytes } = engine.limits;
    const count = Math.floor(commitBytes / rowBytes);
    const writes = numbered(count).map((key) => ({ key, value: new Uint8Array(rowBytes).fill(1) }));
    writes.push({ key: ["rest"], value: new Uint8Array(commitBytes - count * rowBytes) });
    assert.notEqual(await engine.commit([], writes), null);
    const rows = await Array.fromAsync(engine.scan([]));
    assert.equal(rows.reduce((sum, { value }) => sum + value!.length, 0), commitBytes);
  },

  "a commit takes as many checks and writes as the limits say": async ({ engine }) => {
    const keys = numbered(engine.limits.commitRows);
    const checks = keys.map((key) => ({ key, versionstamp: null }));
    const writes = keys.map((key) => ({ key, value: bytesOf("1") }));
    const versionstamp = await engine.commit(checks, writes);
    assert.notEqual(versionstamp, null);
    assert.equal(await engine.commit(checks, writes), null);
    const again = keys.map((key) => ({ key, versionstamp }));
    assert.notEqual(await engine.commit(again, keys.map((key) => ({ key, value: null }))), null);
    assert.deepEqual(await keysOf(engine, []), []);
  },

  "keys of every kind come back, in order": async ({ engine }) => {
    const mixed = shuffle([...KEYS_OF_EVERY_KIND]);
    for (const key of mixed) await engine.commit([], [{ key, value: bytesOf("1") }]);
    assert.deepEqual(await keysOf(engine, []), [...mixed].sort(compareKeys));
    assert.deepEqual(await keysOf(engine, []), KEYS_OF_EVERY_KIND);
  },

  "keys of every kind are rows of their own": async ({ engine }) => {
    for (const [index, key] of KEYS_OF_EVERY_KIND.entries()) {
      const version = await engine.commit(
        [{ key, versionstamp: null }],
        [{ key, value: bytesOf(String(index)) }],
      );
      assert.notEqual(version, null, `${index}`);
    }
    const rows = await engine.read(KEYS_OF_EVERY_KIND);
    assert.deepEqual(
      rows.map(({ value }) => new TextDecoder().decode(value!)),
      KEYS_OF_EVERY_KIND.map((_, index) => String(index)),
    );
  },

  "scan() gives rows as read() does": async ({ engine }) => {
    const keys = numbered(30);
    await fill(engine, keys);
    assert.deepEqual(await Array.fromAsync(engine.scan([])), await engine.read(keys));
  },

  "scan() yields what has the prefix and what is it": async ({ engine }) => {
    for (const key of KEYS_OF_EVERY_KIND) {
      await fill(engine, [key, [...key, "below"], [...key, 1, true]]);
    }
    const all = await keysOf(engine, []);
    for (const prefix of KEYS_OF_EVERY_KIND) {
      const expected = all.filter((key) => hasPrefix(key, prefix));
      assert.deepEqual(await keysOf(engine, prefix), expected);
    }
  },

  "scan() of a prefix without rows is empty": async ({ engine }) => {
    await fill(engine, [["ab"], ["a\0b"], ["b"]]);
    assert.deepEqual(await keysOf(engine, ["a"]), []);
    assert.deepEqual(await keysOf(engine, ["c", "d"]), []);
  },

  "scan() goes on after a key, which need not exist": async ({ engine }) => {
    const keys = [["a"], ["a", 1], ["a", 2], ["a", 2, "x"], ["a", 3], ["ab"]];
    await fill(engine, keys);
    const after = (key: KvKey) => keysOf(engine, ["a"], key);
    assert.deepEqual(await after(["a", 1]), [["a", 2], ["a", 2, "x"], ["a", 3]]);
    assert.deepEqual(await after(["a", 2]), [["a", 2, "x"], ["a", 3]]);
    assert.deepEqual(await after(["a", 2, "x"]), [["a", 3]]);
    assert.deepEqual(await after(["a", 2.5]), [["a", 3]]);
    assert.deepEqual(await after(["a", -1]), [["a", 1], ["a", 2], ["a", 2, "x"], ["a", 3]]);
    assert.deepEqual(await after(["a", 3]), []);
    assert.deepEqual(await after(["a", true]), []);
  },

  "scan() goes on after the prefix itself": async ({ engine }) => {
    await fill(engine, [["a"], ["a", 1], ["b"]]);
    assert.deepEqual(await keysOf(engine, ["a"], ["a"]), [["a", 1]]);
  },

  "scan() yields the same in batches of any size": async ({ engine }) => {
    const keys = numbered(25);
    await fill(engine, keys);
    for (const batch of [1, 2, 3, 24, 25, 26, 1000]) {
      assert.deepEqual(await keysOf(engine, [], undefined, batch), keys);
      assert.deepEqual(await keysOf(engine, [], keys[9], batch), keys.slice(10));
    }
  },

  "scan() yields more rows than a batch has": async ({ engine }) => {
    const keys = numbered(1_050);
    await fill(engine, keys);
    assert.deepEqual(await keysOf(engine, []), keys);
  },

  "scan() yields many rows of full size": async ({ engine }) => {
    const keys = numbered(24);
    const { rowBytes } = engine.limits;
    for (const key of keys) {
      await engine.commit([], [{ key, value: new Uint8Array(rowBytes).fill(3) }]);
    }
    const found: KvKey[] = [];
    for await (const { key, value } of engine.scan([])) {
      assert.equal(value!.length, rowBytes);
      found.push(key);
    }
    assert.deepEqual(found, keys);
  },

  "scan() may be left": async ({ engine }) => {
    await fill(engine, numbered(50));
    const found: KvKey[] = [];
    for await (const { key } of engine.scan([], undefined, 5)) {
      if (found.push(key) === 7) break;
    }
    assert.equal(found.length, 7);
    assert.equal(await textOf(engine, ["row", 0]), "row,0");
  },

  "scan() yields what stays while others come and go, once each": async ({ engine }) => {
    const staying = numbered(100).filter((_, index) => index % 2 === 0);
    await fill(engine, numbered(100));
    const found: KvKey[] = [];
    let changes = 0;
    for await (const { key } of engine.scan([], undefined, 4)) {
      found.push(key);
      await engine.commit([], [
        { key: ["row", changes * 2 + 1], value: null },
        { key: ["row", changes + 0.5], value: bytesOf("new") },
      ]);
      changes++;
    }
    const stayed = found.filter((key) => (key[1] as number) % 2 === 0);
    assert.deepEqual(stayed, staying);
    assert.deepEqual(found, [...found].sort(compareKeys));
  },

  "what was committed is there for whoever asks next": async ({ engine }) => {
    for (let count = 0; count < 100; count++) {
      await engine.commit([], [{ key: ["a"], value: bytesOf(String(count)) }]);
      assert.equal(await textOf(engine, ["a"]), String(count));
    }
  },

  "many commits at once are all made": async ({ engine }) => {
    const keys = numbered(300);
    const versions = await Promise.all(
      keys.map((key) => engine.commit([], [{ key, value: bytesOf(String(key)) }])),
    );
    assert.ok(versions.every((version) => version !== null));
    assert.deepEqual(await keysOf(engine, []), keys);
  },

  "of many commits that check one row the same way one is made": async ({ engine }) => {
    const check = { key: ["a"], versionstamp: null };
    const versions = await Promise.all(
      Array.from(
        { length: 20 },
        (_, index) => engine.commit([check], [{ key: ["a"], value: bytesOf(String(index)) }]),
      ),
    );
    assert.equal(versions.filter((version) => version !== null).length, 1);
    const winner = versions.findIndex((version) => version !== null);
    assert.equal(await textOf(engine, ["a"]), String(winner));
  },

  "a row that many increment at once is exact": async ({ engine }) => {
    await Promise.all(Array.from({ length: 8 }, async () => {
      for (let count = 0; count < 10; count++) await increment(engine, ["count"]);
    }));
    assert.equal(await textOf(engine, ["count"]), "80");
  },

  "a row may have a life of any length, none too": async ({ engine }) => {
    const lives = [0, 1, 1e18, Number.MAX_VALUE, Infinity, 60_000];
    for (const [index, expireInMs] of lives.entries()) {
      const write = { key: ["life", index], value: bytesOf("1"), expireInMs };
      assert.notEqual(await engine.commit([], [write]), null);
    }
    assert.equal(await textOf(engine, ["life", 2]), "1");
    assert.equal(await textOf(engine, ["life", 5]), "1");
    assert.equal((await keysOf(engine, ["life"], ["life", 1])).length, 4);
  },

  "watch() tells of a row that is written, and of one that is removed": async ({ engine }) => {
    const watch = engine.watch([["a"]]);
    await watchUntil(watch, engine, ["a"], null);
    const seen = watchUntil(watch, engine, ["a"], "1");
    await engine.commit([], [{ key: ["a"], value: bytesOf("1") }]);
    await seen;
    const gone = watchUntil(watch, engine, ["a"], null);
    await engine.commit([], [{ key: ["a"], value: null }]);
    await gone;
    watch.close();
  },

  "watch() never misses the last of many changes": async ({ engine }) => {
    const watch = engine.watch([["a"]]);
    const seen = watchUntil(watch, engine, ["a"], "100");
    for (let count = 1; count <= 100; count++) {
      await engine.commit([], [{ key: ["a"], value: bytesOf(String(count)) }]);
    }
    await seen;
    watch.close();
  },

  "watch() tells of changes that come before it is asked": async ({ engine }) => {
    const watch = engine.watch([["a"]]);
    await engine.commit([], [{ key: ["a"], value: bytesOf("1") }]);
    await watch.changed();
    await watchUntil(watch, engine, ["a"], "1");
    watch.close();
  },

  "watch() takes any number of rows": async ({ engine }) => {
    const keys = numbered(57);
    const watch = engine.watch(keys);
    for (const key of [keys[0]!, keys[30]!, keys[56]!]) {
      const seen = watchUntil(watch, engine, key, "new");
      await engine.commit([], [{ key, value: bytesOf("new") }]);
      await seen;
    }
    watch.close();
  },

  "watch() takes keys of every kind": async ({ engine }) => {
    for (const key of KEYS_OF_EVERY_KIND) {
      const watch = engine.watch([key]);
      const seen = watchUntil(watch, engine, key, "new");
      await engine.commit([], [{ key, value: bytesOf("new") }]);
      await seen;
      watch.close();
    }
  },

  "watches of one row do not know each other": async ({ engine }) => {
    const [first, second] = [engine.watch([["a"]]), engine.watch([["a"], ["b"]])];
    first.close();
    const seen = watchUntil(second, engine, ["a"], "1");
    await engine.commit([], [{ key: ["a"], value: bytesOf("1") }]);
    await seen;
    second.close();
  },

  "closing a watch lets go of who waits for it": async ({ engine }) => {
    const watch = engine.watch([["a"]]);
    const waiting = (async () => {
      for (let calls = 0; calls < 3; calls++) await watch.changed();
    })();
    watch.close();
    watch.close();
    await waiting;
  },

  "closing the engine settles its watches": async ({ engine }) => {
    const watch = engine.watch([["a"]]);
    const waiting = (async () => {
      for (let calls = 0; calls < 3; calls++) await watch.changed();
    })();
    await Promise.all([Promise.allSettled([waiting]), engine.close()]);
    watch.close();
  },

  "every call fails after close()": async ({ engine }) => {
    await engine.commit([], [{ key: ["a"], value: bytesOf("1") }]);
    await engine.close();
    await assert.rejects(engine.read([["a"]]));
    await assert.rejects(engine.commit([], [{ key: ["a"], value: bytesOf("2") }]));
    await assert.rejects(Array.fromAsync(engine.scan([])));
  },

  "calls that are under way settle when it is closed": async ({ engine }) => {
    const calls = numbered(20).flatMap((key): Promise<unknown>[] => [
      engine.commit([], [{ key, value: bytesOf("1") }]),
      engine.read([key]),
      Array.fromAsync(engine.scan(key)),
    ]);
    await Promise.all([Promise.allSettled(calls), engine.close()]);
  },
};

const CASES_OF_TWO: Readonly<Record<string, (one: Engine, two: Engine) => Promise<void>>> = {
  "another engine sees what was committed": async (one, two) => {
    const versionstamp = await one.commit([], [{ key: ["a"], value: bytesOf("1") }]);
    assert.deepEqual(await two.read([["a"]]), [{ key: ["a"], value: bytesOf("1"), versionstamp }]);
    assert.deepEqual(await keysOf(two, []), [["a"]]);
  },

  "another engine's commit makes a version old": async (one, two) => {
    const versionstamp = await one.commit([], [{ key: ["a"], value: bytesOf("1") }]);
    await two.commit([], [{ key: ["a"], value: bytesOf("2") }]);
    const check = { key: ["a"], versionstamp };
    assert.equal(await one.commit([check], [{ key: ["a"], value: bytesOf("3") }]), null);
    assert.equal(await textOf(one, ["a"]), "2");
  },

  "a row that two engines increment at once is exact": async (one, two) => {
    await Promise.all([one, two, one, two].map(async (engine) => {
      for (let count = 0; count < 25; count++) await increment(engine, ["count"]);
    }));
    assert.equal(await textOf(one, ["count"]), "100");
    assert.equal(await textOf(two, ["count"]), "100");
  },

  "no engine sees half of another's commit": async (one, two) => {
    const keys = numbered(10);
    let done = false;
    const writing = (async () => {
      for (let count = 0; count < 50; count++) {
        await one.commit([], keys.map((key) => ({ key, value: bytesOf(String(count)) })));
      }
      done = true;
    })();
    while (!done) {
      const rows = await Array.fromAsync(two.scan([], undefined, 100));
      assert.equal(new Set(rows.map(({ versionstamp }) => versionstamp)).size <= 1, true);
    }
    await writing;
  },

  "watch() tells of another engine's commits, the last one too": async (one, two) => {
    const watch = one.watch([["a"]]);
    const seen = watchUntil(watch, one, ["a"], "50");
    for (let count = 1; count <= 50; count++) {
      await two.commit([], [{ key: ["a"], value: bytesOf(String(count)) }]);
    }
    await seen;
    watch.close();
  },

  "rows stay when an engine is closed": async (one, two) => {
    await one.commit([], [{ key: ["a"], value: bytesOf("1") }]);
    await one.close();
    assert.equal(await textOf(two, ["a"]), "1");
  },
};

async function watchUntil(
  watch: { changed(): Promise<void> },
  engine: Engine,
  key: KvKey,
  text: string | null,
): Promise<void> {
  const { promise, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(new Error(`A change to ${text} was missed`)), 10_000);
  try {
    while (await textOf(engine, key) !== text) await Promise.race([watch.changed(), promise]);
  } finally {
    clearTimeout(timer);
  }
}

async function keysOf(
  engine: Engine,
  prefix: KvKey,
  after?: KvKey,
  batch?: number,
): Promise<KvKey[]> {
  return await Array.fromAsync(engine.scan(prefix, after, batch), ({ key }) => key);
}

/** Writes rows that hold their key as text. */
async function fill(engine: Engine, keys: readonly KvKey[]): Promise<void> {
  const { commitRows } = engine.limits;
  for (let first = 0; first < keys.length; first += commitRows) {
    const writes = keys.slice(first, first + commitRows).map((key): RowWrite => ({
      key,
      value: bytesOf(String(key)),
    }));
    await engine.commit([], writes);
  }
}

function numbered(count: number): KvKey[] {
  return Array.from({ length: count }, (_, index) => ["row", index]);
}

function shuffle<T>(items: T[]): T[] {
  for (let index = items.length - 1; index > 0; index--) {
    const other = Math.floor(Math.random() * (index + 1));
    [items[index], items[other]] = [items[other]!, items[index]!];
  }
  return items;
}
