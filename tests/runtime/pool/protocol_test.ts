import assert from "node:assert/strict";
import { FLAGS, isAnswer, newRing, Ring, RING_PLACES } from "../../../runtime/pool/protocol.ts";
import { source } from "../thread/support.ts";

const PROTOCOL = new URL("../../../runtime/pool/protocol.ts", import.meta.url).href;

/** The two sides of one ring. */
function ring() {
  const memory = newRing();
  return { memory, pool: new Ring(memory), worker: new Ring(memory) };
}

Deno.test("Ring gives a task to whoever comes first", () => {
  const { pool, worker } = ring();
  const begun = pool.put(7);
  assert.equal(pool.isStarted(begun, 7), false);
  assert.equal(worker.start(begun, 7), true);
  assert.equal(worker.start(begun, 7), false, "a task begins once");
  assert.equal(pool.isStarted(begun, 7), true);
  assert.equal(pool.takeBack(begun, 7), false);
  const taken = pool.put(8);
  assert.notEqual(taken, begun);
  assert.equal(pool.takeBack(taken, 8), true);
  assert.equal(pool.takeBack(taken, 8), false);
  assert.equal(worker.start(taken, 8), false);
});

Deno.test("Ring uses a place again for another task only once it is free", () => {
  const { pool, worker } = ring();
  const place = pool.put(1);
  assert.equal(worker.start(place, 1), true);
  pool.release(place);
  assert.equal(pool.put(2), place);
  assert.equal(worker.start(place, 1), false, "the place belongs to another task");
  assert.equal(pool.takeBack(place, 1), false);
  assert.equal(worker.start(place, 2), true);
});

Deno.test("Ring lets tasks run that found no place, and never takes them back", () => {
  const { pool, worker } = ring();
  const places = Array.from({ length: RING_PLACES }, (_, i) => pool.put(i));
  assert.deepEqual(new Set(places).size, RING_PLACES);
  const nowhere = pool.put(1000);
  assert.equal(nowhere, -1);
  assert.equal(pool.isStarted(nowhere, 1000), true);
  assert.equal(pool.takeBack(nowhere, 1000), false);
  assert.equal(worker.start(nowhere, 1000), true);
  pool.release(nowhere);
  assert.equal(pool.put(1001), -1, "what had no place frees none");
  pool.release(places[5]!);
  assert.equal(pool.put(1002), places[5]);
});

Deno.test("Ring tells ids apart, the first, far ones and those of a billion tasks ago", () => {
  for (const id of [1, 0x3fff_fffe, 0x3fff_ffff, 0x4000_0000, Number.MAX_SAFE_INTEGER - 1]) {
    const { pool, worker } = ring();
    const place = pool.put(id);
    assert.equal(worker.start(place, id + 1), false, `${id}`);
    assert.equal(worker.start(place, id), true, `${id}`);
  }
});

Deno.test("Ring works on when a document replaces what it stands on", () => {
  const { pool, worker } = ring();
  const { compareExchange, load, store } = Atomics;
  try {
    Object.assign(Atomics, { compareExchange: () => 0, load: () => 0, store: () => 0 });
    const place = pool.put(3);
    assert.equal(worker.start(place, 3), true);
    assert.equal(pool.isStarted(place, 3), true);
  } finally {
    Object.assign(Atomics, { compareExchange, load, store });
  }
});

Deno.test("Ring gives each of many tasks to exactly one of two threads that race for it", async () => {
  const rounds = 300;
  const { memory, pool } = ring();
  const turn = new Int32Array(new SharedArrayBuffer(8));
  const worker = new Worker(
    source(`
      import { Ring } from ${JSON.stringify(PROTOCOL)};
      self.onmessage = ({ data: { memory, turn, rounds, places } }) => {
        const ring = new Ring(memory);
        const begun = [];
        postMessage("ready");
        for (let round = 0; round < rounds; round++) {
          Atomics.wait(turn, 0, round);
          for (let i = 0; i < places; i++) {
            if (ring.start(i, round * places + i + 1)) begun.push(round * places + i + 1);
          }
          Atomics.store(turn, 1, round + 1);
        }
        postMessage(begun);
      };`),
    { type: "module", deno: { permissions: "inherit" } } as WorkerOptions,
  );
  const next = () =>
    new Promise<unknown>((resolve, reject) => {
      worker.onmessage = ({ data }) => resolve(data);
      worker.onerror = (event) => (event.preventDefault(), reject(new Error(event.message)));
    });
  try {
    const ready = next();
    worker.postMessage({ memory, turn, rounds, places: RING_PLACES });
    await ready;
    const ended = next();
    const taken: number[] = [];
    const idOf = (round: number, i: number) => round * RING_PLACES + i + 1;
    for (let round = 0; round < rounds; round++) {
      for (let i = 0; i < RING_PLACES; i++) assert.equal(pool.put(idOf(round, i)), i);
      Atomics.store(turn, 0, round + 1);
      Atomics.notify(turn, 0);
      // From the other end, so that the two meet.
      for (let i = RING_PLACES - 1; i >= 0; i--) {
        if (pool.takeBack(i, idOf(round, i))) taken.push(idOf(round, i));
      }
      while (Atomics.load(turn, 1) !== round + 1);
      for (let i = 0; i < RING_PLACES; i++) pool.release(i);
    }
    const begun = await ended as number[];
    const all = [...begun, ...taken].sort((a, b) => a - b);
    assert.deepEqual(all, Array.from({ length: rounds * RING_PLACES }, (_, i) => i + 1));
    assert.ok(begun.length > 0 && taken.length > 0, "both sides had some");
  } finally {
    worker.terminate();
  }
});

const NO_ANSWERS: [string, unknown][] = [
  ["nothing", undefined],
  ["null", null],
  ["a text", "four"],
  ["a record", { length: 4, 0: 1, 1: 0, 2: null, 3: 1 }],
  ["bytes", new Uint8Array(4)],
  ["three entries", [1, 0, null]],
  ["five entries", [1, 0, null, 1, 1]],
  ["holes", new Array(4)],
  ...[NaN, Infinity, 1e300, 64, -1, 0.5, "0", 0n, null, [0], { valueOf: 0 }].map((
    flags,
  ): [string, unknown] => [`flags ${Deno.inspect(flags)}`, [1, flags, null, 1]]),
  ...[NaN, Infinity, -1, -Infinity, "1", 1n, null, undefined, [1], {}].map((
    ms,
  ): [string, unknown] => [`ms ${Deno.inspect(ms)}`, [1, 0, null, ms]]),
];

Deno.test.each(NO_ANSWERS)("isAnswer() refuses %s", (_, sent) => {
  assert.equal(isAnswer(sent), false);
});

Deno.test("isAnswer() takes every flag, alone and together", () => {
  for (const flags of [0, ...Object.values(FLAGS), 63]) {
    assert.equal(isAnswer([1, flags, null, 0.5]), true, `${flags}`);
  }
});
