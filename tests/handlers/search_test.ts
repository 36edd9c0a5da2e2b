import assert from "node:assert/strict";
import visited from "../../handlers/loops/visited.ts";
import { INDEX_KEY } from "../../handlers/search.ts";
import startup from "../../handlers/startup.ts";
import { fakeStore, indexedStore, log, send } from "./fakes.ts";

Deno.test("search_index stores an index that is larger than one value of Deno KV", async () => {
  const text = await (await indexedStore()).get<string>(INDEX_KEY) ?? "";
  assert.ok(text.length > 64 * 1024, `${text.length}`);
});

Deno.test("xbox finds countries by name, capital and code, with typing errors and in any language", async () => {
  const store = await indexedStore();
  const cases: Record<string, string> = {
    Switzerland: "ch",
    switzrland: "ch",
    Suisse: "ch",
    "スイス": "ch",
    osterreich: "at",
    paris: "fr",
    "cote d'ivoire": "ci",
    CHE: "ch",
    "new zea": "nz",
  };
  for (const [q, code] of Object.entries(cases)) {
    const found = await send({ type: "search", q }, store);
    assert.equal(found[0]?.code, code, q);
    assert.deepEqual(Object.keys(found[0] ?? {}), ["code", "name", "flag"]);
  }
  assert.deepEqual(await send({ type: "search", q: "qqqqqqq" }, store), []);
  assert.equal((await send({ type: "search", q: "island", limit: 3 }, store)).length, 3);
});

Deno.test("xbox refuses what is no search message", async () => {
  const store = fakeStore();
  const wrong = [null, "search", {}, { type: "search" }, { type: "search", q: 1 }, {
    type: "x",
    q: "",
  }];
  for (const message of [...wrong, { type: "search", q: "a", limit: -1 }]) {
    await assert.rejects(async () => await send(message, store), TypeError);
  }
});

Deno.test("startup leaves parameters that give every country its day", async () => {
  const store = fakeStore();
  await startup({ store, log } as Parameters<typeof startup>[0]);
  const { dayStep } = await store.get<{ dayStep: number }>("parameters") ?? { dayStep: 0 };
  const days = new Set(Array.from({ length: 250 }, (_, day) => (day * dayStep) % 250));
  assert.equal(days.size, 250);
});

Deno.test("visited keeps the newest visits, newest first", async () => {
  const store = fakeStore([["parameters", { visitedCount: 2 }]]);
  await store.set(["visit", "ch"], 1);
  await store.set(["visit", "fr"], 3);
  await store.set(["visit", "de"], 2);
  await visited({ store } as Parameters<typeof visited>[0]);
  assert.deepEqual(await store.get("visited"), ["fr", "de"]);
});
