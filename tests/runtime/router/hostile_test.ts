import assert from "node:assert/strict";
import type { Frame } from "../../../runtime/router/frames.ts";
import { WINDOW } from "../../../runtime/router/frames.ts";
import { packMessage } from "../../../runtime/router/packing.ts";
import type { RouterError } from "../../../runtime/router/errors.ts";
import { linkPair } from "../../../runtime/router/port_link.ts";
import { invade, message, payload, SELF } from "./invader.ts";
import { grow, until } from "./support.ts";

/** A right message as text. */
function packed(frame: unknown): string {
  const { ack, seq, envelope } = frame as Frame & { type: "message" };
  return packMessage(ack, seq, { ...envelope, payload: "" }) as string;
}

const BAD: [string, unknown][] = [
  ["a number", 5],
  ["null", null],
  ["an array", [1, 2]],
  ["a frame of no known type", { type: "sudo", ack: 0 }],
  ["a frame without acknowledgement", { type: "ping" }],
  ["an acknowledgement of what was never sent", { type: "ack", ack: 1 }],
  ["half an acknowledgement", { type: "ack", ack: 0.5 }],
  ["a goodbye with a code above 255", { type: "bye", ack: 0, code: 256 }],
  ["an announcement of no list", { type: "announce", ack: 0, pids: 5 }],
  ["an announcement of no pid", { type: "announce", ack: 0, pids: [0] }],
  ["an announcement of holes", { type: "announce", ack: 0, pids: Array(3) }],
  ["a withdrawal of no list", { type: "withdraw", ack: 0, pids: "1" }],
  ["too long an announcement", { type: "announce", ack: 0, pids: Array(1025).fill(7) }],
  ["a message out of order", message({}, { seq: 2 })],
  ["a message without envelope", { type: "message", ack: 0, seq: 1 }],
  ["another version", message({ v: 2 })],
  ["no origin", message({ src: undefined })],
  ["an origin without incarnation", message({ src: { pid: 5 } })],
  ["an incarnation that is no such", message({ src: { pid: 5, inc: "x".repeat(16) } })],
  ["a pid of 0", message({ src: { ...SELF, pid: 0 } })],
  ["a number below 1", message({ seq: 0 })],
  ["no destination", message({ to: {} })],
  ["an alias of 300 letters", message({ to: { alias: "a".repeat(300) } })],
  ["a group that is a number", message({ to: { group: 7 } })],
  ["a negative count of hops", message({ hops: -1 })],
  ["an unknown kind", message({ kind: "sudo" })],
  ["data that acknowledges", message({ ackOf: 1 })],
  ["an acknowledgement of nothing", message({ kind: "ack", to: { pid: 1000 } })],
  ["an acknowledgement for all", message({ kind: "ack", ackOf: 1 })],
  [
    "an acknowledgement that asks for one",
    message({ kind: "ack", ackOf: 1, to: { pid: 1000 }, ackRequested: true }),
  ],
  ["a signal for all", message({ kind: "signal", payload: new Uint8Array([9]) })],
  [
    "a signal of no number",
    message({ kind: "signal", to: { pid: 1000 }, payload: new Uint8Array(0) }),
  ],
  ["a signal of 65", message({ kind: "signal", to: { pid: 1000 }, payload: new Uint8Array([65]) })],
  ["a payload that is no bytes", message({ payload: [1] })],
  ["a text without end of its head", "[0]"],
  ["a text whose head is no list", "{}\n1"],
  ["a text with a head of too few fields", "[0,1]\n1"],
  ["a text with a longer payload than any", `${packed(message())}${"x".repeat(65_537)}`],
  ["bytes too few for a length", new Uint8Array(1)],
  ["bytes with a head longer than they are", new Uint8Array([0, 9, 1])],
  ["bytes that are shared", new Uint8Array(new SharedArrayBuffer(8))],
  ["no payload", message({ payload: undefined })],
  ["shared memory", message({ payload: new Uint8Array(new SharedArrayBuffer(4)) })],
  ["more bytes than allowed", message({ payload: new Uint8Array(2 ** 24 + 1) })],
];

Deno.test.each(BAD)("a neighbour that sends %s is cut off", async (_, bad) => {
  await using grove = grow([-1, 0]);
  const [root, kid] = grove.all;
  using evil = await invade(root!);
  const { say } = evil;
  say(bad);
  say(message());
  await until("it is reported", () => root!.lost.length === 1);
  assert.equal(root!.lost[0]!.peer, 666);
  assert.deepEqual(root!.errors.map((error) => (error as RouterError).code), ["BAD_MESSAGE"]);
  assert.deepEqual(root!.node.peers().map(({ pid }) => pid), [1001]);
  assert.equal(root!.received.length + kid!.received.length, 0);
});

Deno.test("a right message passes, rebuilt: unknown fields and a forged sender stay behind", async () => {
  await using grove = grow([-1, 0], { spy: true });
  const [root, kid] = grove.all;
  using evil = await invade(root!);
  const { say } = evil;
  say(message({ from: { pid: 1001, inc: "0".repeat(16) }, extra: { big: 1 } }));
  await until("it arrives", () => kid!.received.length === 1);
  assert.equal(root!.received[0]!.link, 666);
  assert.equal(kid!.received[0]!.link, 1000);
  assert.deepEqual(kid!.received[0]!.payload, payload);
});

Deno.test("a neighbour that sends more than the window is cut off", async () => {
  await using grove = grow([-1]);
  const [root] = grove.all;
  const gate = Promise.withResolvers<void>();
  root!.node.addListener({ onMessageReceived: () => gate.promise });
  using evil = await invade(root!);
  const { say } = evil;
  for (let seq = 1; seq <= WINDOW.frames + 2; seq++) say(message({ seq }, { seq }));
  await until("it is reported", () => root!.errors.length === 1);
  assert.match(String(root!.errors[0]), /window/);
  gate.resolve();
  await until("it is gone", () => root!.lost.length === 1);
  assert.equal(root!.received.length, 1);
});

Deno.test("a payload that cannot be decoded is an error of that message only", async () => {
  await using grove = grow([-1]);
  const [root] = grove.all;
  using evil = await invade(root!);
  const { say } = evil;
  say(message({ raw: false, payload: new Uint8Array([1, 2, 3, 4]) }));
  say(message({ seq: 2 }, { seq: 2 }));
  await until("the second arrives", () => root!.received.length === 1);
  assert.match(String(root!.errors[0]), /damaged/);
  assert.equal(root!.lost.length, 0);
});

Deno.test("forged acknowledgements, losses and messages in a node's own name do nothing", async () => {
  await using grove = grow([-1]);
  const [root] = grove.all;
  let losses = 0;
  root!.node.addListener({ onRemoteLoss: () => void losses++ });
  using evil = await invade(root!);
  const { say } = evil;
  say(message({ kind: "ack", ackOf: 99, to: { pid: 1000 } }));
  say(message({ kind: "loss", seq: 2, to: { pid: 1000 }, payload }, { seq: 2 }));
  say(message({ seq: 3, src: root!.node.identity }, { seq: 3 }));
  say(message({ seq: 4 }, { seq: 4 }));
  await until("the last arrives", () => root!.received.length === 1);
  assert.equal(losses, 0);
  assert.equal(root!.node.statistics().duplicates, 1);
  say({ type: "leave", ack: 0 });
  say({ type: "ping", ack: 0 });
  const answers = () => evil.heard.filter((frame) => (frame as Frame).type === "pong");
  await until("it is answered", () => answers().length === 1);
  assert.equal(root!.node.isShutdown(), false, "a child cannot make its parent leave");
});

Deno.test("a neighbour that says nothing is given up, and its messages are reported lost", async () => {
  await using grove = grow([-1], { heartbeatMs: 10 });
  const [root] = grove.all;
  using evil = await invade(root!);
  const { heard } = evil;
  root!.node.submit("a", "evil");
  root!.node.submit("b", 666, { urgent: true });
  await until("it is reported", () => root!.lost.length === 1);
  const lost = root!.lost[0]!.lost.map(({ payload, certainty, urgent, forwarded, origin }) => [
    ...[payload, certainty, urgent, forwarded, origin],
  ]);
  assert.deepEqual(lost, [
    ["a", "maybe-processed", false, false, 1000],
    ["b", "maybe-processed", true, false, 1000],
  ]);
  assert.equal((root!.errors[0] as RouterError).code, "PEER_STUCK");
  assert.equal(heard.filter((frame) => (frame as Frame).type === "ping").length, 3);
});

Deno.test("a neighbour that never opens its end is given up after startMs", async () => {
  await using grove = grow([-1], { startMs: 20 });
  const [root] = grove.all;
  const [down, up] = linkPair();
  root!.node.attach(down, { identity: SELF, alias: "evil", direction: "child" });
  root!.node.submit("early", "evil");
  await until("it is reported", () => root!.lost.length === 1);
  assert.deepEqual(root!.lost[0]!.lost.map(({ certainty }) => certainty), ["never-sent"]);
  up.end(null);
});

Deno.test("a child that announces the pids of others draws no messages to itself", async () => {
  await using grove = grow([-1, 0, 1], { routing: "learned", heartbeatMs: 1000 });
  const [root, middle, low] = grove.all;
  root!.node.submit("hello", { all: true });
  await until("all stand", () => low!.received.length === 1);
  using invader = await invade(root!);
  invader.say({ type: "announce", ack: 0, pids: [1000, 1001, 1002, 1002] });
  // Something that it has to do after that.
  invader.say(message({ to: { pid: 1001 } }));
  await until("that is done", () => middle!.received.length === 2);
  const { length } = invader.heard;
  root!.node.submit(1, 1001);
  root!.node.submit(2, 1002);
  await until("both arrive", () => middle!.received.length === 3 && low!.received.length === 2);
  assert.deepEqual(
    invader.heard.slice(length).filter((frame) =>
      typeof frame === "string" && /"data"/.test(frame)
    ),
    [],
  );
  assert.deepEqual(root!.errors, []);
});
