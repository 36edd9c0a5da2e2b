import assert from "node:assert/strict";
import fc from "fast-check";
import { FairQueue, type Urgency } from "../../../runtime/pool/queue.ts";

/** What waits in these tests; its name is shown when a test fails. */
interface Item {
  readonly name: string;
  readonly route: string;
  readonly priority: Urgency;
  readonly submittedAt: number;
}

let clock = 0;

/** An item that is newer than all before it. */
function item(name: string, route = "/", priority: Urgency = 1): Item {
  return { name, route, priority, submittedAt: clock++ };
}

/** A queue of items named by route and number: `"a1 a2 b1"`. */
function queueOf(names: string, newestFirstAt?: number): FairQueue<Item> {
  const queue = new FairQueue<Item>({ newestFirstAt });
  for (const name of names.split(" ")) queue.add(item(name, name[0]));
  return queue;
}

/** Takes `count` items, or all. */
function takeNames(queue: FairQueue<Item>, count = Infinity): string {
  const names: string[] = [];
  for (let next; names.length < count && (next = queue.take()) !== undefined;) {
    names.push(next.name);
  }
  return names.join(" ");
}

Deno.test("FairQueue.take() takes the oldest of a route, and nothing from an empty queue", () => {
  const queue = queueOf("a1 a2 a3");
  assert.equal(takeNames(queue), "a1 a2 a3");
  assert.equal(queue.take(), undefined);
  assert.equal(queue.peek(), undefined);
  assert.equal(queue.oldest(), undefined);
  assert.equal(queue.size, 0);
});

Deno.test("FairQueue.take() gives each route that waits its turn", () => {
  assert.equal(takeNames(queueOf("a1 a2 a3 a4 b1 c1 c2")), "a1 b1 c1 a2 c2 a3 a4");
});

Deno.test("FairQueue.take() gives a route that comes new the last turn", () => {
  const queue = queueOf("a1 a2 b1 b2");
  assert.equal(takeNames(queue, 1), "a1");
  queue.add(item("c1", "c"));
  assert.equal(takeNames(queue), "b1 a2 c1 b2");
});

Deno.test("FairQueue.take() takes the turn from a route that was emptied", () => {
  const queue = queueOf("a1 b1 b2 c1");
  assert.equal(takeNames(queue, 1), "a1");
  queue.add(item("a2", "a"));
  assert.equal(takeNames(queue), "b1 c1 a2 b2");
});

Deno.test("FairQueue.take() empties a higher priority first", () => {
  const queue = new FairQueue<Item>();
  queue.add(item("low", "a", 0));
  queue.add(item("normal 1", "a", 1));
  queue.add(item("high 1", "a", 2));
  queue.add(item("normal 2", "b", 1));
  queue.add(item("high 2", "a", 2));
  assert.equal(takeNames(queue), "high 1 high 2 normal 1 normal 2 low");
});

Deno.test("FairQueue.take() leaves alone what is less urgent than asked for", () => {
  const queue = queueOf("a1");
  const high = item("high", "a", 2);
  queue.add(high);
  assert.equal(queue.peek(2), high);
  assert.equal(queue.take(2), high);
  assert.equal(queue.peek(2), undefined);
  assert.equal(queue.take(2), undefined);
  assert.equal(queue.take(1)?.name, "a1");
});

Deno.test("FairQueue.take() takes the newest while enough would stay behind", () => {
  assert.equal(takeNames(queueOf("a1 a2 a3 a4 a5", 3)), "a5 a4 a1 a2 a3");
  assert.equal(takeNames(queueOf("a1 a2 a3", 0)), "a3 a2 a1");
  assert.equal(takeNames(queueOf("a1 a2 a3 b1 b2", 3)), "a3 b2 a1 b1 a2", "routes add up");
});

Deno.test("FairQueue.take() counts what waits in every priority for the newest first", () => {
  const queue = queueOf("a1 a2", 2);
  queue.add(item("low", "a", 0));
  assert.equal(takeNames(queue, 1), "a2");
});

Deno.test("FairQueue.peek() shows what take() takes, and takes nothing", () => {
  for (const newestFirstAt of [0, 2, Infinity]) {
    const queue = queueOf("a1 a2 a3 b1 b2", newestFirstAt);
    while (queue.size > 0) {
      const { size } = queue;
      const next = queue.peek();
      assert.equal(queue.size, size);
      assert.equal(queue.take(), next);
    }
  }
});

Deno.test("FairQueue.addFirst() makes what was given back the next of its priority", () => {
  const queue = queueOf("a1 a2 b1");
  const a1 = queue.take()!;
  queue.addFirst(a1);
  assert.equal(takeNames(queue), "a1 b1 a2");
});

Deno.test("FairQueue.addFirst() gives a route back that was emptied", () => {
  const queue = queueOf("a1 b1 c1");
  queue.addFirst(queue.take()!);
  assert.equal(takeNames(queue), "a1 b1 c1");
});

Deno.test("FairQueue.addFirst() puts the last one foremost, also among the newest first", () => {
  const queue = queueOf("a1 a2 a3 a4", 0);
  const [a4, a3] = [queue.take()!, queue.take()!];
  queue.addFirst(a4);
  queue.addFirst(a3);
  queue.add(item("a5", "a"));
  assert.equal(takeNames(queue), "a3 a4 a5 a2 a1");
});

Deno.test("FairQueue.delete() takes an item out once, from wherever it stands", () => {
  const rests = { a1: "a2 b1 a3", a2: "a1 b1 a3", a3: "a1 b1 a2", b1: "a1 a2 a3" };
  for (const [gone, rest] of Object.entries(rests)) {
    const queue = queueOf("a1 a2 a3 b1");
    const found = [...queue].find(({ name }) => name === gone)!;
    assert.equal(queue.has(found), true);
    assert.equal(queue.delete(found), true);
    assert.equal(queue.delete(found), false);
    assert.equal(queue.has(found), false);
    assert.equal(queue.size, 3);
    assert.equal(takeNames(queue), rest);
  }
});

Deno.test("FairQueue.delete() passes the turn on when it empties the route that has it", () => {
  const queue = queueOf("a1 b1 c1");
  queue.delete(queue.peek()!);
  assert.equal(takeNames(queue), "b1 c1");
});

Deno.test("FairQueue.oldest() knows who has waited longest, in whatever order they are taken", () => {
  const queue = queueOf("a1 a2 b1", 0);
  queue.add(item("high", "a", 2));
  assert.equal(queue.oldest()?.name, "a1");
  queue.take();
  queue.delete(queue.oldest()!);
  assert.equal(queue.oldest()?.name, "a2");
});

Deno.test("FairQueue.oldest() lets what is given back keep its age", () => {
  const queue = queueOf("a1 a2 b1 b2");
  const [a1, b1] = [queue.take()!, queue.take()!];
  queue.addFirst(b1);
  assert.equal(queue.oldest()?.name, "a2");
  queue.addFirst(a1);
  assert.equal(queue.oldest()?.name, "a1");
  queue.delete(a1);
  assert.equal(queue.oldest()?.name, "a2");
  queue.take();
  queue.take();
  assert.equal(queue.oldest()?.name, "b2");
});

Deno.test("FairQueue.victim() names the newest of the longest route of the same priority", () => {
  const queue = queueOf("a1 b1 b2 b3 c1 c2");
  assert.equal(queue.victim("d", 1)?.name, "b3");
  assert.equal(queue.victim("a", 1)?.name, "b3");
  assert.equal(queue.victim("c", 1), undefined, "c would be as long as b");
  assert.equal(queue.victim("b", 1), undefined, "b is the longest itself");
  assert.equal(queue.size, 6);
});

Deno.test("FairQueue.victim() names somebody less urgent, whose route may be short", () => {
  const queue = queueOf("a1 a2 a3");
  queue.add(item("low", "b", 0));
  assert.equal(queue.victim("a", 1)?.name, "low");
  assert.equal(queue.victim("a", 2)?.name, "low");
  assert.equal(queue.victim("a", 0), undefined, "it would be as long as b");
});

Deno.test("FairQueue.victim() names nobody who is more urgent, and nobody in an empty queue", () => {
  const queue = queueOf("a1 a2 a3 a4");
  assert.equal(queue.victim("b", 0), undefined);
  assert.equal(new FairQueue<Item>().victim("b", 2), undefined);
});

Deno.test("FairQueue.victim() spares what was given back while others wait in its route", () => {
  const queue = queueOf("a1 a2 a3", 0);
  queue.addFirst(queue.take()!);
  assert.equal(queue.victim("b", 1)?.name, "a2");
});

Deno.test("FairQueue can be walked through while items leave it", () => {
  const queue = queueOf("a1 a2 b1 b2");
  const seen: string[] = [];
  for (const each of queue) {
    seen.push(each.name);
    queue.delete(each);
    if (each.name === "a1") queue.delete([...queue].find(({ name }) => name === "a2")!);
  }
  assert.deepEqual(seen, ["a1", "b1", "b2"]);
});

Deno.test("FairQueue goes by what an item said when it was added", () => {
  const queue = new FairQueue<Item & { route: string; priority: Urgency }>();
  const moody = { name: "moody", route: "a", priority: 0 as Urgency, submittedAt: 0 };
  queue.add(moody);
  queue.add({ ...moody, name: "other", priority: 1 });
  moody.route = "b";
  moody.priority = 2;
  assert.equal(queue.peek()?.name, "other");
  assert.equal(queue.delete(moody), true);
  assert.equal(takeNames(queue), "other");
});

Deno.test("FairQueue refuses what it cannot queue", () => {
  const queue = queueOf("a1");
  const again = queue.peek()!;
  assert.throws(() => queue.add(again), TypeError);
  assert.throws(() => queue.addFirst(again), TypeError);
  for (const priority of [-1, 3, 0.5, NaN]) {
    assert.throws(() => queue.add(item("bad", "a", priority as Urgency)), RangeError);
  }
  assert.equal(takeNames(queue), "a1");
  for (const newestFirstAt of [-1, NaN]) {
    assert.throws(() => new FairQueue({ newestFirstAt }), RangeError);
  }
});

/** The rules again, written down without a thought for speed. */
class Model {
  readonly #newestFirstAt: number;
  /** By arrival, but what was given back stands before all, the latest foremost. */
  #items: { item: Item; givenBack: boolean }[] = [];
  /** Routes by priority, the one whose turn it is first. */
  #turns: string[][] = [[], [], []];

  constructor(newestFirstAt: number) {
    this.#newestFirstAt = newestFirstAt;
  }

  get all(): Item[] {
    return this.#items.map(({ item }) => item);
  }

  add(item: Item): void {
    this.#items.push({ item, givenBack: false });
    const turns = this.#turns[item.priority]!;
    if (!turns.includes(item.route)) turns.push(item.route);
  }

  addFirst(item: Item): void {
    this.#items.unshift({ item, givenBack: true });
    const others = this.#turns[item.priority]!.filter((route) => route !== item.route);
    this.#turns[item.priority] = [item.route, ...others];
  }

  peek(lowest: number): Item | undefined {
    for (const level of [2, 1, 0].filter((level) => level >= lowest)) {
      const [route] = this.#turns[level]!;
      if (route === undefined) continue;
      const lane = this.#lane(level, route);
      const oldest = lane[0]!.givenBack || this.#items.length - 1 < this.#newestFirstAt;
      return lane.at(oldest ? 0 : -1)!.item;
    }
    return undefined;
  }

  take(lowest: number): Item | undefined {
    const item = this.peek(lowest);
    if (item === undefined) return undefined;
    const turns = this.#turns[item.priority]!;
    turns.push(turns.shift()!);
    this.delete(item);
    return item;
  }

  delete(item: Item): boolean {
    const before = this.#items.length;
    this.#items = this.#items.filter((each) => each.item !== item);
    const { priority, route } = item;
    if (this.#lane(priority, route).length === 0) {
      this.#turns[priority] = this.#turns[priority]!.filter((each) => each !== route);
    }
    return this.#items.length < before;
  }

  oldest(): Item | undefined {
    return this.all.sort((a, b) => a.submittedAt - b.submittedAt)[0];
  }

  /** Every item that the rules allow to be sent away. */
  victims(route: string, priority: Urgency): Item[] {
    const level = Math.min(...this.all.map((item) => item.priority));
    if (level > priority) return [];
    const sizes = this.#turns[level]?.map((each) => this.#lane(level, each).length) ?? [];
    const most = Math.max(...sizes);
    if (level === priority && most < this.#lane(level, route).length + 2) return [];
    return (this.#turns[level] ?? [])
      .map((each) => this.#lane(level, each))
      .filter(({ length }) => length === most)
      .map((lane) => lane.at(-1)!.item);
  }

  #lane(priority: number, route: string): { item: Item; givenBack: boolean }[] {
    return this.#items.filter(({ item }) => item.priority === priority && item.route === route);
  }
}

const route = fc.constantFrom("a", "b", "c", "d");
const priority = fc.constantFrom<Urgency>(0, 1, 1, 1, 2);
const step = fc.oneof(
  { weight: 6, arbitrary: fc.record({ do: fc.constant("add" as const), route, priority }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constant("take" as const), priority }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("give back" as const), which: fc.nat() }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("delete" as const), which: fc.nat() }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("displace" as const), route, priority }) },
);
const newestFirstAt = fc.constantFrom(0, 1, 3, 6, Infinity);

Deno.test("FairQueue does what its model does", () => {
  const done = { taken: 0, displaced: 0, givenBack: 0 };
  fc.assert(
    fc.property(
      newestFirstAt,
      fc.array(step, { maxLength: 80, size: "max" }),
      (threshold, steps) => {
        const queue = new FairQueue<Item>({ newestFirstAt: threshold });
        const model = new Model(threshold);
        const taken: Item[] = [];
        let now = 0;
        for (const each of steps) {
          if (each.do === "add") {
            const { route, priority } = each;
            const added = { name: `${route}${now}`, route, priority, submittedAt: now++ };
            queue.add(added);
            model.add(added);
          } else if (each.do === "take") {
            assert.equal(queue.peek(each.priority), model.peek(each.priority));
            const got = queue.take(each.priority);
            assert.equal(got, model.take(each.priority));
            if (got === undefined) continue;
            taken.push(got);
            done.taken++;
          } else if (each.do === "give back") {
            const [back] = taken.splice(each.which % Math.max(1, taken.length), 1);
            if (back === undefined) continue;
            done.givenBack++;
            queue.addFirst(back);
            model.addFirst(back);
          } else if (each.do === "delete") {
            const known = [...model.all, ...taken];
            const gone = known[each.which % known.length];
            if (gone !== undefined) assert.equal(queue.delete(gone), model.delete(gone));
          } else {
            const victim = queue.victim(each.route, each.priority);
            const allowed = model.victims(each.route, each.priority);
            assert.ok(victim === undefined ? allowed.length === 0 : allowed.includes(victim));
            if (victim === undefined) continue;
            done.displaced++;
            assert.equal(queue.delete(victim), model.delete(victim));
          }
          assert.equal(queue.size, model.all.length);
          assert.equal(queue.oldest(), model.oldest());
          assert.deepEqual(new Set(queue), new Set(model.all));
          assert.ok(model.all.every((waiting) => queue.has(waiting)));
        }
        while (model.all.length > 0) assert.equal(queue.take(), model.take(0));
        assert.equal(queue.take(), undefined);
      },
    ),
    { numRuns: 1500, interruptAfterTimeLimit: 7000, markInterruptAsFailure: false },
  );
  for (const [what, times] of Object.entries(done)) assert.ok(times > 20, `${what}: ${times}`);
});
