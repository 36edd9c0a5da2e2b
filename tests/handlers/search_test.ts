import assert from "node:assert/strict";
import { countries, findCountry } from "../../handlers/countries.ts";
import visited from "../../handlers/loops/visited.ts";
import { INDEX_KEY } from "../../handlers/search.ts";
import { similarTo } from "../../handlers/similar.ts";
import { parametersOf } from "../../handlers/startup.ts";
import { fakeStore, globals, indexedStore, send } from "./fakes.ts";

Deno.test("search_index stores an index that is larger than one value of Deno KV", async () => {
  const text = await (await indexedStore()).get<string>(INDEX_KEY) ?? "";
  assert.ok(text.length > 64 * 1024, `${text.length}`);
});

Deno.test("xbox finds countries by name, capital and code, with typing errors and in any language", async () => {
  const store = await indexedStore();
  const cases: Record<string, string> = {
    Switzerland: "CH",
    switzrland: "CH",
    Suisse: "CH",
    "スイス": "CH",
    osterreich: "AT",
    paris: "FR",
    "cote d'ivoire": "CI",
    CHE: "CH",
    "new zea": "NZ",
    Chian: "CN",
  };
  for (const [q, code] of Object.entries(cases)) {
    const found = await send({ type: "search", q, limit: 5 }, store);
    assert.equal(found[0], code, q);
  }
  assert.deepEqual(await send({ type: "search", q: "qqqqqqq", limit: 5 }, store), []);
  assert.deepEqual(await send({ type: "search", q: "", limit: 5 }, store), []);
  assert.equal((await send({ type: "search", q: "island", limit: 3 }, store)).length, 3);
});

Deno.test("xbox says which countries are like another one, and in what", async () => {
  const similar = await send({ type: "similar", code: "CH", limit: 4 }, fakeStore());
  assert.equal(similar.length, 4);
  assert.deepEqual(similar.find((one) => typeof one === "object" && one.code === "at"), undefined);
  for (const one of similar) {
    assert.ok(typeof one === "object" && findCountry(one.code) && one.why !== "", `${one}`);
  }
});

Deno.test("similarTo() never likens a country to itself and always has a reason", () => {
  for (const country of countries) {
    const similar = similarTo(country, 6);
    assert.equal(similar.length, 6);
    assert.ok(similar.every(({ code, why }) => findCountry(code) !== country && why !== ""));
  }
});

Deno.test("xbox refuses messages that it does not know", async () => {
  const wrong = [{}, { type: "x" }, { type: "similar", code: "zz", limit: 1 }];
  for (const message of wrong) {
    await assert.rejects(send(message, fakeStore()), TypeError);
  }
});

Deno.test("startup leaves parameters that give every country its day", () => {
  const { dayStep } = parametersOf(globals);
  const days = new Set(Array.from({ length: 250 }, (_, day) => (day * dayStep) % 250));
  assert.equal(days.size, 250);
});

Deno.test("visited keeps the newest visits, newest first", async () => {
  const store = fakeStore();
  const codes = ["ch", "fr", "de", "us", "fj", "ru", "it", "at"];
  for (const [at, code] of codes.entries()) await store.set(["visit", code], at);
  await visited({ store, globals } as unknown as Parameters<typeof visited>[0]);
  assert.deepEqual(await store.get("visited"), ["at", "it", "ru", "fj", "us", "de"]);
});
