import assert from "node:assert/strict";
import { tree } from "../../../mod.ts";
import { drawIdentity } from "../../../runtime/router/address.ts";
import { encodePayload } from "../../../runtime/router/payload.ts";
import { invade, type Invader, message, SELF } from "./invader.ts";
import { grow, until, type Witness } from "./support.ts";

/** Says messages with the numbers of the link. */
function speaker(evil: Invader): (changes: object) => void {
  let seq = 0;
  return (changes) => evil.say(message({ seq: ++seq, ...changes }, { seq }));
}

/** Waits until a node has done what the child has said up to now. */
async function heardBy(victim: Witness, say: (changes: object) => void): Promise<void> {
  const before = victim.received.length;
  say({ to: { pid: victim.node.getPid() } });
  await until("it has heard all", () => victim.received.length > before);
}

Deno.test("a child that speaks in the name of another node silences nobody and is not heard", async () => {
  await using grove = grow([-1, 0, 0]);
  const [root, left, right] = grove.all as [Witness, Witness, Witness];
  using evil = await invade(root);
  left.node.submit("first", { all: true });
  await until(
    "all have heard of it",
    () => right.received.length === 1 && root.received.length === 1,
  );
  const say = speaker(evil);
  const lie = { src: left.node.identity, seq: 2 ** 40 };
  say(lie);
  say({ ...lie, urgent: true });
  // Nor in that of nodes whose place is known, under another incarnation.
  for (const { node } of [root, left]) say({ src: drawIdentity(node.getPid()) });
  await heardBy(root, say);
  left.node.submit("second", { all: true });
  left.node.submit("third", { all: true }, { urgent: true });
  await until("the truth arrives", () => right.received.length >= 3);
  const told = ({ received }: Witness) => received.map(({ payload, source }) => [payload, source]);
  assert.deepEqual(told(right).filter(([, source]) => source !== 1001), []);
  assert.deepEqual(told(right).map(([payload]) => payload).toSorted(), [
    "first",
    "second",
    "third",
  ]);
  assert.deepEqual(told(root).filter(([, source]) => source !== 666).length, 3);
});

Deno.test("a list with holes is no list", async () => {
  await using grove = grow([-1, 0], { routing: "learned" });
  const [root, middle] = grove.all as [Witness, Witness];
  using evil = await invade(middle);
  evil.say({ type: "announce", ack: 0, pids: Array(3) });
  await until("it is cut off", () => middle.lost.length === 1);
  middle.node.submit("still here", "root");
  await until("it arrives", () => root.received.length === 1);
  assert.deepEqual([root.lost, root.errors], [[], []]);
});

Deno.test("a report of losses with holes tells nothing", async () => {
  await using grove = grow([-1]);
  const [root] = grove.all as [Witness];
  const losses: tree.RemoteLoss[] = [];
  root.node.addListener({ onRemoteLoss: (loss) => void losses.push(loss) });
  using evil = await invade(root);
  root.node.submit("x", 666);
  const say = speaker(evil);
  const report = { peer: 5, maybe: Array(2), never: [] };
  say({ kind: "loss", to: { pid: 1000 }, raw: false, payload: encodePayload(report, false) });
  await heardBy(root, say);
  assert.deepEqual(losses, []);
});

Deno.test("an answer to a message for one pid counts from that pid only", async () => {
  await using grove = grow([-1, 0]);
  const [root, kid] = grove.all as [Witness, Witness];
  const late: unknown[] = [];
  root.node.addListener({ onAckTimeout: (_, answered) => void late.push(answered) });
  kid.node.addListener({ onMessageReceived: () => gate.promise });
  const gate = Promise.withResolvers<void>();
  using evil = await invade(root);
  root.node.submit("x", 1001, { ack: true, timeoutMs: 200 });
  const say = speaker(evil);
  say({ kind: "ack", ackOf: 1, to: { pid: 1000 } });
  await heardBy(root, say);
  await until("nobody has answered in time", () => late.length === 1);
  assert.deepEqual(late, [[]]);
  gate.resolve();
});

Deno.test("a child breaks no barrier that it does not wait at, and opens none", async () => {
  await using grove = grow([-1, 0, 1]);
  const [root, left, low] = grove.all as [Witness, Witness, Witness];
  const of = ({ node: executor }: Witness) => new tree.Barrier(3, { executor, name: "b" });
  using evil = await invade(root);
  const say = speaker(evil);
  const control = (to: number, value: unknown, changes: object = {}) =>
    say({
      kind: "control",
      to: { pid: to },
      raw: false,
      payload: encodePayload(value, false),
      ...changes,
    });
  let settled = 0;
  const waits = [root, left].map((one) => of(one).await().finally(() => settled++));
  const state = of(root);
  await until("both wait", () => state.waiting === 2);
  for (const pid of [1000, 1001, 1002]) control(1000, ["gone", pid]);
  for (const ticket of [1, 2, 3]) {
    control(1000, ["leave", ticket, "b"], { src: drawIdentity(1001) });
    control(1000, ["leave", ticket, "b"]);
    control(1001, ["passed", ticket], { src: drawIdentity(1000) });
    control(1001, ["passed", ticket], { src: SELF });
  }
  await heardBy(root, say);
  await heardBy(left, say);
  assert.deepEqual([state.waiting, state.broken, settled], [2, false, 0]);
  await of(low).await(5);
  await Promise.all(waits);
});

Deno.test("a child that asks and never listens gets few answers", async () => {
  await using grove = grow([-1]);
  const [root] = grove.all as [Witness];
  using evil = await invade(root);
  for (let times = 0; times < 5000; times++) evil.say({ type: "ping", ack: 0 });
  await heardBy(root, speaker(evil));
  const pongs = evil.heard.filter((frame) => (frame as { type?: string }).type === "pong");
  assert.ok(pongs.length >= 1 && pongs.length < 500, `${pongs.length} answers`);
});

Deno.test("what nodes tell each other by themselves is not among the lost messages", async () => {
  await using grove = grow([-1]);
  const [root] = grove.all as [Witness];
  using evil = await invade(root);
  const request = encodePayload(["enter", 1, "b", 2, [1000, 666]], false);
  evil.say(message({ kind: "control", to: { pid: 1000 }, raw: false, payload: request }));
  await until("it is answered", () => root.node.pendingMessages() === 1);
  root.node.killNode(666, "SIGTERM");
  root.node.submit("mine", 666);
  evil.say({ type: "bye", ack: 0, code: 0 });
  await until("it is gone", () => root.lost.length === 1);
  assert.deepEqual(root.lost[0]!.lost.map(({ payload }) => payload), ["mine"]);
});
