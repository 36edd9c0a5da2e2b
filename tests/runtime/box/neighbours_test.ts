import assert from "node:assert/strict";
import { Neighbours } from "../../../runtime/box/neighbours.ts";
import { resolveOptions } from "../../../runtime/options.ts";
import { decode, encode } from "../../../runtime/peer/wire.ts";
import type { Receive } from "../../../runtime/xbox/carrier.ts";
import { XBOX_PATH } from "../../../runtime/xbox/remote.ts";
import type { Siblings } from "../../../runtime/xbox/siblings.ts";
import { machine, until } from "../xbox/sibling_pair.ts";

/** More than boxes tell each other in one note. */
const FLOOD = 5000;
const PEERS = resolveOptions({ peers: { secrets: ["the secret of these tests"] } });

const echo: Receive = ({ message }) => ({
  state: () => "running",
  answer: Promise.resolve(message),
  accepted: Promise.resolve(),
  wait: () => {},
  cancel: () => {},
});

/** Neighbours that others are told of and closed with the test. */
function neighbours(siblings?: Siblings): Neighbours & Disposable {
  const made = new Neighbours(PEERS, siblings);
  return Object.assign(made, { [Symbol.dispose]: () => made.close() });
}

/** A call of another box, as often as it is asked for. */
function call({ peers }: Neighbours, value: unknown, from = "caller"): () => Request {
  const body = encode(value);
  const unsigned = { method: "POST", path: XBOX_PATH, body, to: "box:1", from };
  const { headers } = peers!.keyring.sign(unsigned);
  return () => new Request(`http://box:1${XBOX_PATH}`, { method: "POST", headers, body });
}

async function statusOf(box: Neighbours, request: Request): Promise<number> {
  const { status, body } = await box.answer(request, echo);
  await body?.cancel();
  return status;
}

Deno.test("Neighbours tell their siblings what was used up, however much comes at once", async () => {
  await using two = machine(2);
  const [one, other] = two.boxes;
  using here = neighbours(one!.siblings);
  using beside = neighbours(other!.siblings);
  using caller = neighbours();
  let told = 0;
  other!.siblings.onGossip("used requests", (seen) => void (told += (seen as []).length));
  const calls = Array.from({ length: FLOOD }, () => call(caller, { i: "x", m: 1 }));
  for (const request of calls) assert.equal(await statusOf(here, request()), 200);
  await until("all is told", () => told === FLOOD);
  for (const request of calls) assert.equal(await statusOf(beside, request()), 401);
});

Deno.test("Neighbours take no message that claims to be this box's own, or is malformed", async () => {
  using box = neighbours();
  using caller = neighbours();
  const ask = async (value: unknown, from?: string) => {
    const request = call(caller, value, from)();
    const response = await box.answer(request, echo);
    assert.equal(response.status, 200);
    return await readAnswer(response);
  };
  assert.deepEqual(await ask({ i: "x", m: "good", p: 2 }), "good");
  assert.match(await ask({ i: "x", m: 1 }, "localhost"), /BAD_MESSAGE.*calls itself "localhost"/);
  for (const p of ["length", "map", "0", 3, -1, 0.5, null]) {
    assert.match(await ask({ i: "x", m: 1, p }), /BAD_MESSAGE.*its priority is none/, String(p));
  }
  for (const bad of [1, null, [], {}, { i: "x" }, { m: 1 }, { i: "x".repeat(65), m: 1 }]) {
    assert.match(await ask(bad), /BAD_MESSAGE/, Deno.inspect(bad));
  }
  assert.match(await ask({ i: "x", m: 1, a: 0 }), /BAD_MESSAGE.*attempt/);
  assert.match(await ask({ i: "x", m: 1, k: "k".repeat(513) }), /BAD_MESSAGE.*key/);
});

/** The value of an answer, or code and message of its failure. */
async function readAnswer(response: Response): Promise<string> {
  const answer = decode(await response.bytes(), "the box") as {
    value: string;
    failure?: { code: string; message: string };
  };
  const { failure } = answer;
  return failure === undefined ? answer.value : `${failure.code} ${failure.message}`;
}
