import assert from "node:assert/strict";
import { Board, slotOf, STATE, WORD } from "../../../runtime/resources/board.ts";
import * as resources from "../../../runtime/resources/mod.ts";
import { started, trusted } from "./support.ts";

const { allocateId, findId } = resources;

/** The words that trusted threads share. */
function sharedWords(): Int32Array<ArrayBufferLike> {
  return new Board(resources.invite().board).words;
}

Deno.test("allocateId() takes the lock over from a thread that is gone, after a second", async () => {
  using _ = started();
  using thread = await trusted();
  const words = sharedWords();
  Atomics.store(words, WORD.lock, thread.number);
  resources.abandonThread(thread.number);
  assert.notEqual(resources.invite().thread, thread.number);
  const since = performance.now();
  assert.equal(allocateId("a"), 1);
  const waited = performance.now() - since;
  assert.ok(waited >= 1000 && waited < 2400, `waited for ${waited} ms`);
  assert.equal(Atomics.load(words, WORD.lock), 0);
});

Deno.test("allocateId() gives 0 when a thread that lives keeps the lock, and leaves nothing", async () => {
  using _ = started();
  using thread = await trusted();
  const words = sharedWords();
  Atomics.store(words, WORD.lock, thread.number);
  const log: string[] = [];
  const options = { ctor: () => ({}), dtor: () => void log.push("-a") };
  assert.equal(allocateId("a", options), 0);
  assert.deepEqual([log, findId("a"), Atomics.load(words, WORD.lock)], [["-a"], 0, thread.number]);
  Atomics.store(words, WORD.lock, 0);
  assert.equal(allocateId("a", options), 1);
});

Deno.test("allocateId() waits for the lock until it is given back", async () => {
  using _ = started();
  using thread = await trusted();
  const words = sharedWords();
  Atomics.store(words, WORD.lock, 1);
  const id = thread.run(({ resources }) => resources.allocateId("a"));
  while (
    Atomics.notify(words, WORD.lock, 0) === 0 && !(await isWaiting(words))
  ) { /* it is not there yet */ }
  Atomics.store(words, WORD.lock, 0);
  Atomics.notify(words, WORD.lock);
  assert.equal(await id, 1);
});

/** Whether a thread waits for the lock: only then does a notification wake one. */
async function isWaiting(words: Int32Array<ArrayBufferLike>): Promise<boolean> {
  await new Promise((resolve) => setTimeout(resolve, 0));
  return Atomics.notify(words, WORD.lock, 1) === 1;
}

Deno.test("a constructor never runs under the lock", () => {
  using _ = started();
  const words = sharedWords();
  const seen: number[] = [];
  const look = () => void seen.push(Atomics.load(words, WORD.lock));
  const id = allocateId("a", { ctor: look, dtor: look });
  resources.freeId(id);
  assert.deepEqual(seen, [0, 0]);
  assert.equal(Atomics.load(words, slotOf(1)), STATE.live);
});

Deno.test("a writer that died halfway leaves no row behind", async () => {
  using _ = started();
  allocateId("a");
  const { board } = resources.invite();
  const half = new Board(board);
  half.read(1);
  const row = { name: "half", scope: "thread", hasCtor: true, isForeign: false } as const;
  assert.equal(half.append(row), 2);
  Atomics.store(half.words, WORD.count, 1); // as if it had not come to this line
  assert.equal(allocateId("b", { ctor: () => ["b"] }), 2);
  assert.deepEqual([findId("half"), findId("b"), resources.resource(2)], [0, 2, ["b"]]);
  await resources.settled(2);
});
