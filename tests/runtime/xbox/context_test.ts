import assert from "node:assert/strict";
import { Phases } from "../../../runtime/pool/entry/phases.ts";
import { TaskRun } from "../../../runtime/pool/entry/runner.ts";
import type { Rooms } from "../../../runtime/thread/entry/rooms.ts";
import type { Log } from "../../../runtime/types/log.ts";
import type { Session, Xbox, XboxContext, XboxThread } from "../../../runtime/types/xbox.ts";
import type { Delivery } from "../../../runtime/xbox/carrier.ts";
import { makeContext } from "../../../runtime/xbox/context.ts";

/** Every part, in any order. */
const NAMES = "attempt from key log onCleanup onPostSend onShutdown session signal store " +
  "threadType waitUntil xbox";

/** A context over rooms that tell which of them were made. */
function open(): { context: XboxContext; phases: Phases; made: string[] } {
  const made: string[] = [];
  const make = <T>(name: string) => () => {
    made.push(name);
    return { name } as T;
  };
  const rooms = { store: make("store"), xbox: make<Xbox>("xbox"), log: make<Log>("log") };
  const phases = new Phases();
  const delivery: Delivery = ["message", "localhost", 1, undefined];
  const context = makeContext(delivery, {
    run: new TaskRun([7, 0, delivery, 0, false]),
    rooms: rooms as unknown as Rooms,
    session: { id: "session" } as Session,
    phases,
    thread: {} as XboxThread,
  });
  return { context, phases, made };
}

const list = (object: object) => Object.keys(object).sort().join(" ");

Deno.test("makeContext() makes a part when it is asked for, and once", () => {
  const { context, made } = open();
  const { from, session, attempt } = context;
  assert.deepEqual([from, session.id, attempt, made], ["localhost", "session", 1, []]);
  assert.equal(context.log, context.log);
  assert.equal(context.xbox, context.xbox);
  assert.equal(context.signal, context.signal);
  assert.deepEqual(made, ["log", "xbox"]);
});

Deno.test("makeContext() can be listed, spread and taken apart, whatever was asked for before", () => {
  assert.equal(list(open().context), NAMES);
  assert.equal(list({ ...open().context }), NAMES);
  assert.equal(list(Object.assign({}, open().context)), NAMES);
  const { context, made } = open();
  const { log } = context;
  const { signal, ...rest } = context;
  assert.equal(rest.log, log);
  assert.equal(signal, context.signal);
  assert.equal(list({ ...rest, signal }), NAMES);
  assert.equal(Object.getPrototypeOf(open().context), Object.prototype);
  assert.ok("waitUntil" in open().context && Object.hasOwn(open().context, "waitUntil"));
  assert.deepEqual(made.toSorted(), ["log", "store", "xbox"]);
});

Deno.test("makeContext() can be written to, inherited from and frozen", () => {
  const { context } = open();
  const own = { name: "own" } as unknown as Log;
  context.log = own;
  assert.equal(context.log, own);
  assert.equal(({ ...context }).log, own);
  const heir: XboxContext & { user?: string } = Object.create(open().context);
  heir.user = "me";
  heir.log = own;
  assert.deepEqual([heir.from, heir.log, list(heir)], ["localhost", own, "log user"]);
  assert.ok(heir.signal instanceof AbortSignal);
  const { context: cut } = open();
  delete (cut as Partial<XboxContext>).xbox;
  assert.deepEqual([cut.xbox, list(cut)], [undefined, NAMES.replace(" xbox", "")]);
  const { context: defined } = open();
  Object.defineProperty(defined, "log", { value: own });
  assert.equal(list(Object.freeze(defined)), NAMES);
  assert.equal(list(Object.freeze(open().context)), NAMES);
  assert.equal(defined.log, own);
  assert.throws(() => defined.log = own, TypeError);
});

Deno.test("makeContext() hands what a spread has taken to the same phases", async () => {
  const { context, phases } = open();
  const done: string[] = [];
  const { onShutdown, onPostSend, onCleanup, waitUntil } = { ...context };
  onCleanup(() => done.push("cleanup"));
  onPostSend(() => done.push("post-send"));
  onShutdown(() => done.push("shutdown"));
  waitUntil(Promise.resolve().then(() => done.push("work")));
  await phases.beforeSend();
  await phases.afterSend(context.log);
  assert.deepEqual(done.toSorted(), ["cleanup", "post-send", "shutdown", "work"]);
});
