import assert from "node:assert/strict";
import type { Destination } from "../../../runtime/router/address.ts";
import { beside, binary, grow, receivers, seeded, until } from "./support.ts";

/** One message of the flood: who sends it, where to, and who has to get it. */
interface Plan {
  number: number;
  origin: number;
  to: Destination;
  expected: number[];
}

const ALIASES = ["root", "a", "b", "a", "c", "b", "a", "d", "c", "e", "a", "f", "b", "g", "h"];
const GROUPS = ["odd", "third", "nobody"];

function isMember(group: string, index: number): boolean {
  return group === "odd" ? index % 2 === 1 : group === "third" && index % 3 === 0;
}

/** Draws a message at random: a unicast by pid or alias, a broadcast, or one to a group. */
function draw(parents: number[], number: number, random: (below: number) => number): Plan {
  const size = parents.length;
  const origin = random(size);
  for (;;) {
    const kind = random(5);
    const target = random(size);
    if (kind <= 1 && target !== origin) {
      const expected = receivers(parents, origin, (index) => index === target, true);
      return { number, origin, to: 1000 + target, expected };
    }
    const alias = ALIASES[target]!;
    if (kind === 2 && alias !== ALIASES[origin]) {
      const takes = (index: number) => ALIASES[index] === alias;
      return { number, origin, to: alias, expected: receivers(parents, origin, takes, true) };
    }
    if (kind === 3) {
      const expected = receivers(parents, origin, () => true, false);
      return { number, origin, to: { all: true }, expected };
    }
    if (kind === 4) {
      const group = GROUPS[random(GROUPS.length)]!;
      const takes = (index: number) => isMember(group, index);
      return { number, origin, to: { group }, expected: receivers(parents, origin, takes, false) };
    }
  }
}

Deno.test.each<[number, number, "flood" | "learned"]>([
  [7, 1, "flood"],
  [15, 2, "flood"],
  [15, 3, "flood"],
  [15, 2, "learned"],
  [15, 4, "learned"],
])(
  "a tree of %d nodes delivers 2,000 messages once, in order, and nowhere else (seed %d, routing %s)",
  async (size, seed, routing) => {
    const parents = binary(size);
    await using grove = grow(parents, { routing }, ALIASES);
    for (const { node, index } of grove.all) {
      for (const group of GROUPS) if (isMember(group, index)) node.joinGroup(group);
    }
    const random = seeded(seed);
    const plans: Plan[] = [];
    for (let number = 0; number < 2000; number++) {
      const plan = draw(parents, number, random);
      plans.push(plan);
      grove.all[plan.origin]!.node.submit(number, plan.to);
      if (random(50) === 0) await new Promise((resolve) => setTimeout(resolve));
    }
    await until(
      "all is acknowledged",
      () => grove.all.every(({ node }) => node.pendingMessages() === 0),
    );
    for (const { index, received, errors } of grove.all) {
      const expected = plans.filter(({ expected }) => expected.includes(index));
      for (const origin of parents.keys()) {
        const seen = received.filter(({ source }) => source === 1000 + origin);
        const wanted = expected.filter((plan) => plan.origin === origin);
        assert.deepEqual(seen.map(({ payload }) => payload), wanted.map(({ number }) => number));
      }
      assert.equal(received.length, expected.length);
      assert.deepEqual(errors, []);
    }
    assert.ok(grove.all.every(({ node }) => node.statistics().duplicates === 0));
  },
);

Deno.test.each([[7, 2, 4], [15, 1, 5], [15, 6, 6], [15, 0, 7]])(
  "in a tree of %d nodes the neighbours of node %d report what it did not finish when it crashes (seed %d)",
  async (size, victim, seed) => {
    const parents = binary(size);
    const options = {
      heartbeatMs: 15,
      spy: true,
      onParentLost: "continue",
      reportLoss: true,
    } as const;
    await using grove = grow(parents, options);
    const random = seeded(seed);
    const finished = new Set<number>();
    const gate = Promise.withResolvers<void>();
    // The victim gets stuck in the middle; what it passed on before that is finished.
    const before = 100 + random(200);
    grove.all[victim]!.node.addListener({
      onMessageReceived: async ({ payload }) => {
        if (finished.size >= before) await gate.promise;
        else finished.add(payload as number);
      },
    });
    const sent: { number: number; origin: number; target: number }[] = [];
    const told = new Map<number, number>();
    for (const { node } of grove.all) {
      node.addListener({
        onRemoteLoss: ({ id }) => {
          const number = sent.findIndex((_, at) => ids[at] === id);
          told.set(number, (told.get(number) ?? 0) + 1);
        },
      });
    }
    const ids: string[] = [];
    const living = [...parents.keys()].filter((index) => index !== victim);
    // Odd messages come fast from one neighbour, so that its window fills and some are never sent.
    const loud = beside(parents, victim)[0]!;
    for (let number = 0; number < 2000; number++) {
      const origin = number % 2 === 0 ? loud : living[random(living.length)]!;
      let target = random(size);
      while (target === origin) target = random(size);
      ids.push(grove.all[origin]!.node.submit(number, 1000 + target));
      sent.push({ number, origin, target });
      if (number % 100 === 99) await new Promise((resolve) => setTimeout(resolve));
    }
    await until("the victim is stuck", () => finished.size >= before);
    /** Whether a copy of a message comes to a node through the link from another. */
    function crosses({ origin, target }: typeof sent[0], from: number, into: number): boolean {
      // A message for a direct neighbour takes only that link.
      if (beside(parents, origin).includes(target)) return origin === from && target === into;
      const path = receivers(parents, origin, (index) => index === into, true);
      if (path.length === 0 || towards(parents, into, origin) !== from) return false;
      // Beyond its target nothing is forwarded.
      return target === into || !between(parents, origin, into).includes(target);
    }
    const near = beside(parents, victim);
    // What comes to a neighbour after it has reported the victim has nowhere to go, and is not lost there.
    await until("all that has to cross is at the neighbours", () =>
      near.every((index) => {
        const seen = new Set(grove.all[index]!.received.map(({ payload }) => payload));
        return sent.every((message) =>
          message.origin === index || !crosses(message, index, victim) || seen.has(message.number)
        );
      }));
    grove.crash(victim);
    await until(
      "all neighbours know",
      () => near.every((index) => grove.all[index]!.lost.length > 0),
    );
    const others = grove.all.filter(({ index }) => index !== victim);
    await until(
      "all is acknowledged",
      () => others.every(({ node }) => node.pendingMessages() === 0),
    );
    let never = 0;
    for (const { index, lost } of others) {
      assert.equal(lost.length, near.includes(index) ? 1 : 0);
      if (lost.length === 0) continue;
      assert.equal(lost[0]!.peer, 1000 + victim);
      const reported = new Map(lost[0]!.lost.map((one) => [ids.indexOf(one.id), one]));
      never += lost[0]!.lost.filter(({ certainty }) => certainty === "never-sent").length;
      for (const message of sent) {
        const { number } = message;
        const loss = reported.get(number);
        if (!crosses(message, index, victim)) assert.equal(loss, undefined);
        else assert.ok(loss !== undefined || finished.has(number), `message ${number} vanished`);
        if (loss?.certainty === "never-sent") assert.ok(!finished.has(number));
        if (loss !== undefined) assert.equal(loss.forwarded, message.origin !== index);
        if (loss !== undefined) assert.equal(loss.payload, number);
      }
    }
    assert.ok(never > 0);
    // Who can reach the target without the victim got through; nobody got anything twice.
    for (const { number, origin, target } of sent) {
      const got = grove.all[target]!.received.filter(({ payload, forwarded }) =>
        payload === number && !forwarded
      );
      assert.ok(got.length <= 1);
      const way = between(parents, origin, target);
      if (!way.includes(victim)) assert.equal(got.length, 1, `message ${number}`);
    }
    // The origin of what was lost elsewhere is told once; its own neighbour it learns from its own report.
    const foreign = others.flatMap(({ lost }) => lost.flatMap((one) => one.lost))
      .filter(({ forwarded }) => forwarded).map(({ id }) => [ids.indexOf(id), 1] as const);
    assert.ok(foreign.length > 0);
    assert.deepEqual(
      new Map([...told].sort(([a], [b]) => a - b)),
      new Map(foreign.sort(([a], [b]) => a - b)),
    );
    gate.resolve();
  },
);

/** The next node on the way. */
function towards(parents: readonly number[], from: number, to: number): number {
  return between(parents, from, to)[1]!;
}

/** The way from one node to another, both included. */
function between(parents: readonly number[], from: number, to: number): number[] {
  function walk(index: number, before: number): number[] | undefined {
    if (index === to) return [index];
    for (const next of beside(parents, index)) {
      const rest = next === before ? undefined : walk(next, index);
      if (rest !== undefined) return [index, ...rest];
    }
  }
  return walk(from, -1)!;
}
