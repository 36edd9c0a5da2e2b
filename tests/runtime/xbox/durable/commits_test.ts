import assert from "node:assert/strict";
import type { Engine, RowCheck, RowWrite } from "../../../../runtime/store/engine.ts";
import { openEngine } from "../../../../runtime/store/open.ts";
import { Commits } from "../../../../runtime/xbox/durable/commits.ts";

/** An engine whose commits are counted. */
async function counted(): Promise<{ engine: Engine; sizes: number[] }> {
  const inner = await openEngine(":memory:");
  const sizes: number[] = [];
  const engine: Engine = {
    kind: inner.kind,
    limits: inner.limits,
    read: (keys) => inner.read(keys),
    commit: (checks: readonly RowCheck[], writes: readonly RowWrite[]) => {
      sizes.push(writes.length);
      return inner.commit(checks, writes);
    },
    scan: (...args) => inner.scan(...args),
    watch: (keys) => inner.watch(keys),
    close: () => inner.close(),
  };
  return { engine, sizes };
}

const value = new Uint8Array(1);

Deno.test("Commits.make() puts into one commit what is asked for together", async () => {
  const { engine, sizes } = await counted();
  const commits = new Commits(engine);
  const jobs = Array.from(
    { length: 20 },
    (_, n) => commits.make({ checks: [], writes: [{ key: ["a", n], value }], rings: true }),
  );
  assert.ok((await Promise.all(jobs)).every((version) => version !== null));
  assert.deepEqual(sizes, [21]);
  await engine.close();
});

Deno.test("Commits.make() never lets two jobs of one commit touch one row", async () => {
  const { engine, sizes } = await counted();
  const commits = new Commits(engine);
  const key = ["a", "row"];
  const version = await commits.make({ checks: [], writes: [{ key, value }] });
  // In one commit both checks would hold, and the second would bring back what the first removes.
  const [removed, moved] = await Promise.all([
    commits.make({ checks: [{ key, versionstamp: version }], writes: [{ key, value: null }] }),
    commits.make({
      checks: [{ key, versionstamp: version }],
      writes: [{ key, value: null }, { key: ["a", "other"], value }],
    }),
  ]);
  assert.notEqual(removed, null);
  assert.equal(moved, null);
  assert.equal(sizes.length, 3);
  assert.equal((await Array.fromAsync(engine.scan(["a"]))).length, 0);
  await engine.close();
});

Deno.test("Commits.make() does the others when one is too late", async () => {
  const { engine } = await counted();
  const commits = new Commits(engine);
  const answers = await Promise.all(Array.from({ length: 9 }, (_, n) =>
    commits.make({
      checks: n === 4 ? [{ key: ["a", "none"], versionstamp: "00000000000000000001" }] : [],
      writes: [{ key: ["a", n], value }],
    })));
  assert.deepEqual(answers.map((version) => version === null), [
    ...[false, false, false, false, true, false, false, false, false],
  ]);
  await engine.close();
});

Deno.test("Commits.make() keeps to the limits of the engine", async () => {
  const { engine, sizes } = await counted();
  const commits = new Commits(engine);
  const large = new Uint8Array(50_000);
  await Promise.all(
    Array.from(
      { length: 40 },
      (_, n) => commits.make({ checks: [], writes: [{ key: ["a", n], value: large }] }),
    ),
  );
  assert.ok(sizes.length > 2, `${sizes}`);
  assert.equal(sizes.reduce((sum, size) => sum + size), 40);
  await engine.close();
});
