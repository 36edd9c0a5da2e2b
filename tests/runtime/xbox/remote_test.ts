import assert from "node:assert/strict";
import { setImmediate } from "node:timers/promises";
import { RuntimeError } from "../../../runtime/errors.ts";
import {
  Answers,
  decode,
  type PeerAddress,
  type PeerCall,
  type Peers,
} from "../../../runtime/peer/mod.ts";
import type { PeersOptions } from "../../../runtime/types/site.ts";
import { blameOf, failureAnswer } from "../../../runtime/xbox/blame.ts";
import type { Arrived, Carried } from "../../../runtime/xbox/carrier.ts";
import { RemoteMessages } from "../../../runtime/xbox/remote.ts";
import { readBatch } from "../../../runtime/xbox/remote/batch.ts";
import { freePort } from "../../support/loopback.ts";
import { addressOf, makePeers, Stranger, until, untilEnded } from "../peer/support.ts";

/** A handler, with the reasons for which it was cancelled. */
type Handler = (arrived: Arrived, cancelled: Promise<unknown>) => unknown;

const echo: Handler = ({ message }) => message;

function messagesOf({ client }: Peers, maxMessageBytes = 16 << 20): RemoteMessages {
  return new RemoteMessages({
    maxMessageBytes,
    encode: (to, value) => client.encode(to, value),
    call: (to, path, value, options) => client.call(to, path, value, options),
    stream: (to, path, value, options) => client.stream(to, path, value, options),
  });
}

/** A box that handles messages, and counts the requests in which they came. */
class There implements AsyncDisposable {
  requests = 0;
  readonly cancelled: unknown[] = [];
  readonly address: PeerAddress;
  readonly #peers: Peers;
  readonly #server: Deno.HttpServer<Deno.NetAddr>;

  constructor(
    handle: Handler = echo,
    options: PeersOptions = {},
    answer?: (call: PeerCall) => Promise<unknown>,
  ) {
    this.#peers = makePeers(options, { onUnencodable: failureAnswer });
    const messages = messagesOf(this.#peers);
    const receive = (arrived: Arrived) => this.#carry(arrived, handle);
    this.#server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, (request) => {
      this.requests++;
      return this.#peers.server.answer(
        request,
        answer ?? ((call) => messages.receive(receive, call)),
      );
    });
    this.address = addressOf(this.#server.addr.port);
  }

  #carry(arrived: Arrived, handle: Handler): Carried {
    const ending = Promise.withResolvers<unknown>();
    const answer = Promise.try(() => handle(arrived, ending.promise));
    return {
      state: () => "running",
      answer,
      accepted: Promise.resolve(),
      wait() {},
      cancel: (reason) => {
        this.cancelled.push(arrived.message);
        ending.resolve(reason);
      },
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#peers.close();
    await this.#server.shutdown();
  }
}

async function failure({ answer }: Carried): Promise<RuntimeError> {
  const error = await answer.then(() => undefined, (error) => error);
  assert.ok(error instanceof Error, "it was answered");
  return error as RuntimeError;
}

function known(error: Error): unknown[] {
  const { side, mayHaveRun } = blameOf(error);
  return [(error as RuntimeError).code, side, mayHaveRun];
}

Deno.test("RemoteMessages.carry() sends what belongs to one turn together, and one alone alone", async () => {
  const seen: Arrived[] = [];
  await using there = new There((arrived) => {
    seen.push(arrived);
    return arrived.message;
  });
  using peers = makePeers({ self: ["10.0.0.1:80"] });
  const here = messagesOf(peers);
  const send = (message: unknown, terms = {}) => here.carry(there.address, { message, ...terms });
  assert.equal(await send("alone").answer, "alone");
  assert.equal(there.requests, 1);
  const terms = { timeoutMs: 700.5, priority: "high", attempt: 3, key: "k" } as const;
  const values = [new Map([[1, 2n]]), undefined, "x", -0, new Uint8Array(3)];
  const answers = await Promise.all(values.map((value) => send(value, terms).answer));
  assert.deepEqual(answers, values);
  assert.equal(there.requests, 2);
  assert.deepEqual(seen[1], { ...terms, message: values[0], from: "10.0.0.1:80", timeoutMs: 701 });
  assert.equal(await send("posted", { posted: true }).answer, true);
});

Deno.test("RemoteMessages.carry() packs no more than 64 messages and a mebibyte", async () => {
  await using there = new There();
  using peers = makePeers();
  const here = messagesOf(peers);
  const many = Array.from({ length: 130 }, (_, message) => message);
  const send = (message: unknown) => here.carry(there.address, { message }).answer;
  assert.deepEqual(await Promise.all(many.map(send)), many);
  assert.equal(there.requests, 3);
  const large = ["a", "b", "c"].map((letter) => letter.repeat(600_000));
  assert.deepEqual(
    await Promise.all([...large, "d".repeat(2_000_000)].map(send)).then((back) =>
      back.map((text) => (text as string).length)
    ),
    [600_000, 600_000, 600_000, 2_000_000],
  );
  assert.equal(there.requests, 7);
});

Deno.test("RemoteMessages.carry() sends a snapshot, and keeps apart what two messages share", async () => {
  const seen: unknown[] = [];
  await using there = new There(({ message }) => {
    seen.push(message);
    return message;
  });
  using peers = makePeers();
  const here = messagesOf(peers);
  const shared = new Map([["a", 1]]);
  const one = here.carry(there.address, { message: [shared, shared] });
  shared.set("a", 2);
  const two = here.carry(there.address, { message: [shared] });
  shared.set("a", 3);
  const [first] = await one.answer as Map<string, number>[];
  const [second] = await two.answer as Map<string, number>[];
  assert.equal(there.requests, 1);
  assert.deepEqual([first!.get("a"), second!.get("a")], [1, 2]);
  const [[a, b], [c]] = seen as [Map<string, number>[], Map<string, number>[]];
  assert.equal(a, b);
  assert.notEqual(a, c);
});

Deno.test("A slow message holds back none of its companions", async () => {
  const gate = Promise.withResolvers<void>();
  await using there = new There(async ({ message }) => {
    if (message === "slow") await gate.promise;
    return message;
  });
  using peers = makePeers();
  const here = messagesOf(peers);
  const [slow, ...quick] = ["slow", "a", "b"].map((message) =>
    here.carry(there.address, { message })
  );
  assert.deepEqual(await Promise.all(quick.map(({ answer }) => answer)), ["a", "b"]);
  assert.equal(there.requests, 1);
  gate.resolve();
  assert.equal(await slow!.answer, "slow");
});

Deno.test("A message that cannot be sent fails alone", async () => {
  await using there = new There();
  using peers = makePeers({ maxMessageBytes: 5000 });
  const here = messagesOf(peers, 5000);
  const send = (message: unknown, terms = {}) => here.carry(there.address, { message, ...terms });
  const fine = [send(1), send(2)];
  const [odd, large, never] = [
    send({ a: () => 1 }),
    send("x".repeat(6000)),
    send(3, { timeoutMs: -1 }),
  ];
  assert.deepEqual(await Promise.all(fine.map(({ answer }) => answer)), [1, 2]);
  for (const [carried, name] of [[odd, "DataCloneError"], [large, "RangeError"]] as const) {
    const error = await failure(carried!);
    assert.equal(error.name, name);
    assert.deepEqual(known(error).slice(1), ["sender", false]);
  }
  assert.equal((await failure(never!)).name, "RangeError");
  assert.equal(there.requests, 1);
});

Deno.test("An answer that cannot travel fails its message alone, and so does a handler that throws", async () => {
  const does: Record<string, () => unknown> = {
    function: () => () => 1,
    large: () => "x".repeat(6000),
    throws: () => {
      throw new RuntimeError("QUEUE_FULL", "not today");
    },
    fine: () => "fine",
  };
  await using there = new There(({ message }) => does[message as string]!(), {
    maxAnswerBytes: 5000,
  });
  using peers = makePeers();
  const here = messagesOf(peers);
  const [odd, large, thrown, fine] = Object.keys(does).map((message) =>
    here.carry(there.address, { message })
  );
  assert.equal((await failure(odd!)).name, "DataCloneError");
  assert.deepEqual(known(await failure(large!)), ["RESULT_TOO_LARGE", "receiver", true]);
  assert.deepEqual(known(await failure(thrown!)), ["QUEUE_FULL", "receiver", true]);
  assert.equal(await fine!.answer, "fine");
  assert.equal(there.requests, 1);
});

Deno.test("One of several messages is cancelled without the others", async () => {
  const gate = Promise.withResolvers<void>();
  let started = 0;
  await using there = new There(async ({ message }, cancelled) => {
    started++;
    await (message === "stop" ? cancelled : gate.promise);
    return message;
  });
  using peers = makePeers();
  const here = messagesOf(peers);
  const [stop, stay] = ["stop", "stay"].map((message) => here.carry(there.address, { message }));
  await until(() => started === 2);
  stop!.cancel("enough");
  assert.deepEqual(known(await failure(stop!)), ["CANCELLED", "sender", true]);
  await until(() => there.cancelled.length === 1);
  gate.resolve();
  assert.equal(await stay!.answer, "stay");
  assert.deepEqual(there.cancelled, ["stop"]);
});

Deno.test("A message that is cancelled in its own turn is never sent", async () => {
  await using there = new There();
  using peers = makePeers();
  const here = messagesOf(peers);
  const [gone, stay] = ["gone", "stay"].map((message) => here.carry(there.address, { message }));
  gone!.cancel("at once");
  assert.deepEqual(known(await failure(gone!)), ["CANCELLED", "sender", false]);
  assert.equal(await stay!.answer, "stay");
  assert.equal(there.requests, 1);
});

Deno.test("When all of several messages are given up, the handlers learn of it", async () => {
  let started = 0;
  await using there = new There((_arrived, cancelled) => {
    started++;
    return cancelled;
  });
  using peers = makePeers();
  const here = messagesOf(peers);
  const all = [1, 2, 3].map((message) => here.carry(there.address, { message, timeoutMs: 60_000 }));
  await until(() => started === 3);
  peers.close();
  for (const carried of all) {
    assert.deepEqual(known(await failure(carried)), ["STOPPING", "sender", true]);
  }
  await until(() => there.cancelled.length === 3);
});

Deno.test("Each of several messages has its own time", async () => {
  const gate = Promise.withResolvers<void>();
  await using there = new There(async ({ message }) => {
    await gate.promise;
    return message;
  });
  using peers = makePeers();
  const here = messagesOf(peers);
  const [short, long] = [100, 60_000].map((timeoutMs) =>
    here.carry(there.address, { message: timeoutMs, timeoutMs })
  );
  const error = await failure(short!);
  assert.deepEqual(known(error), ["DEADLINE_EXCEEDED", "network", true]);
  assert.match(error.message, /within 100 ms/);
  gate.resolve();
  assert.equal(await long!.answer, 60_000);
});

Deno.test("When a call fails, each of its messages fails with an error of its own", async () => {
  using peers = makePeers();
  const here = messagesOf(peers);
  await using stranger = new Stranger(() => Promise.resolve());
  for (
    const [address, expected] of [
      [stranger.address, ["PEER_LOST", "network", true]],
      [addressOf(freePort()), ["UNREACHABLE_PEER", "network", false]],
    ] as const
  ) {
    const all = [1, 2, 3].map((message) => here.carry(address, { message }));
    const errors = await Promise.all(all.map(failure));
    for (const error of errors) assert.deepEqual(known(error), expected);
    assert.equal(new Set(errors).size, 3);
  }
});

/** A box of the deployment that answers a batch of three as it likes. */
function odd(answer: (emit: (value: unknown) => void) => void | Promise<void>): There {
  return new There(echo, {}, ({ value }) => {
    assert.equal(readBatch(value as Uint8Array)!.length, 3);
    return Promise.resolve(new Answers(async (emit) => await answer(emit)));
  });
}

const ODD: Record<string, [(emit: (value: unknown) => void) => void | Promise<void>, RegExp]> = {
  "answers a message that was not there": [(emit) => emit([3, { value: 1 }]), /for no message/],
  "answers one twice": [(emit) => emit([0, { value: 2 }]), /for no message/],
  "answers half a message": [(emit) => emit([0.5, { value: 2 }]), /for no message/],
  "answers what is no reply": [(emit) => emit("hello"), /for no message/],
  "leaves some out": [() => {}, /ended without one for this message/],
};

for (const [does, [act, text]] of Object.entries(ODD)) {
  Deno.test(`A box that ${does} fails what is unanswered, and nothing else`, async () => {
    await using there = odd((emit) => {
      emit([0, { value: "fine" }]);
      return act(emit);
    });
    using peers = makePeers();
    const here = messagesOf(peers);
    const [fine, ...rest] = [1, 2, 3].map((message) => here.carry(there.address, { message }));
    assert.equal(await fine!.answer, "fine");
    for (const carried of rest) {
      const error = await failure(carried);
      assert.deepEqual(known(error), ["PEER_BAD_ANSWER", "receiver", true]);
      assert.match(error.message, text);
    }
  });
}

Deno.test("An answer that is none fails its message alone", async () => {
  await using there = odd((emit) => {
    emit([1, "hello"]);
    emit([0, { value: 0 }]);
    emit([2, { value: 2 }]);
  });
  using peers = makePeers();
  const here = messagesOf(peers);
  const [a, b, c] = [1, 2, 3].map((message) => here.carry(there.address, { message }));
  assert.deepEqual(known(await failure(b!)), ["PEER_BAD_ANSWER", "receiver", true]);
  assert.deepEqual([await a!.answer, await c!.answer], [0, 2]);
});

Deno.test("What is cut after some answers leaves those answers", async () => {
  await using there = odd(async (emit) => {
    emit([2, { value: "fine" }]);
    await setImmediate();
    await setImmediate();
    throw "cut";
  });
  using peers = makePeers();
  const here = messagesOf(peers);
  const [a, b, c] = [1, 2, 3].map((message) => here.carry(there.address, { message }));
  assert.equal(await c!.answer, "fine");
  for (const one of [a!, b!]) {
    assert.deepEqual(known(await failure(one)), ["PEER_LOST", "network", true]);
  }
});

Deno.test("Messages that are too large together for the receiver are sent one by one", async () => {
  await using there = new There(echo, { maxMessageBytes: 5000 });
  using peers = makePeers();
  const here = messagesOf(peers);
  const texts = ["a", "b", "c"].map((letter) => letter.repeat(3000));
  const all = [...texts, "d".repeat(9000)].map((message) => here.carry(there.address, { message }));
  assert.deepEqual(await Promise.all(all.slice(0, 3).map(({ answer }) => answer)), texts);
  assert.deepEqual(known(await failure(all[3]!)), ["PEER_BAD_ANSWER", "receiver", false]);
  assert.equal(there.requests, 5);
});

Deno.test("RemoteMessages.carry() bounds messages, not calls, and counts for each box", async () => {
  await using stranger = new Stranger(untilEnded);
  await using there = new There();
  using peers = makePeers();
  const here = messagesOf(peers);
  const all = Array.from(
    { length: 1024 },
    (_, message) => here.carry(stranger.address, { message }),
  );
  assert.deepEqual(known(await failure(here.carry(stranger.address, { message: 0 }))), [
    "QUEUE_FULL",
    "sender",
    false,
  ]);
  assert.equal(await here.carry(there.address, { message: "x" }).answer, "x");
  await until(() => stranger.connections === 16);
  all[0]!.cancel("make room");
  const next = here.carry(stranger.address, { message: 0 });
  await until(() => stranger.connections >= 17);
  peers.close();
  for (const carried of [...all.slice(1), next]) {
    assert.equal((await failure(carried)).code, "STOPPING");
  }
});

Deno.test("RemoteMessages.receive() refuses bytes that are no batch, and one bad message of a batch alone", async () => {
  await using there = new There();
  using peers = makePeers();
  const call = (value: Uint8Array) => peers.client.call(there.address, "/_tandem/xbox", value);
  const frames = [
    [],
    [0, 0, 0, 5],
    [0, 0, 0, 5, 0, 0, 0, 1],
    [0, 0, 0, 0, 0, 0, 0, 0],
    [255, 255, 255, 255, 0, 0, 0, 0],
    Array.from({ length: 65 }, () => [0, 0, 0, 5, 0, 0, 0, 0]).flat(),
  ];
  for (const bytes of frames) {
    const { failure } = await call(Uint8Array.from(bytes)) as { failure: { code: string } };
    assert.equal(failure.code, "BAD_MESSAGE");
  }
  const fine = peers.client.encode(there.address, { i: "1", m: "fine" }).bytes;
  const head = (length: number) => [0, 0, 9, 9, 0, 0, 0, length];
  const batch = Uint8Array.from([
    ...head(2),
    ...[1, 9],
    ...head(0),
    ...head(fine.length),
    ...fine,
  ]);
  assert.equal(decode(fine, "me") instanceof Object, true);
  const got: [number, { value?: unknown; failure?: { code: string } }][] = [];
  await peers.client.stream(there.address, "/_tandem/xbox", batch, {
    mostValues: 3,
    onValue: (value) => void got.push(value as typeof got[0]),
  });
  got.sort(([a], [b]) => a - b);
  assert.deepEqual(got.map(([, { value, failure }]) => failure?.code ?? value), [
    "BAD_MESSAGE",
    "BAD_MESSAGE",
    "fine",
  ]);
});
