import assert from "node:assert/strict";
import { countries } from "../../handlers/countries.ts";
import { factsOf } from "../../handlers/facts.ts";
import pageletApp from "../../handlers/pagelets.ts";
import { request } from "./fakes.ts";

const PARTS = ["map", "facts", "neighbours", "languages", "similar", "cards", "table"];

Deno.test("pagelets render every country without gaps", async () => {
  assert.equal(countries.length, 250);
  for (const { cca2 } of countries) {
    for (const part of PARTS) {
      const { status, text } = await request(pageletApp, `/${part}/${cca2.toLowerCase()}`);
      assert.equal(status, 200, `${part}/${cca2}`);
      assert.doesNotMatch(text, /NaN|Infinity|undefined|>null|\[object/, `${part}/${cca2}`);
      if (part === "map") assertMap(text, cca2);
    }
  }
});

Deno.test("map pagelet puts a country on both sides of the date line into one map", async () => {
  for (const code of ["fj", "ru", "us", "nz", "ki"]) {
    const { text } = await request(pageletApp, `/map/${code}`);
    const xs = shapeOf(text).map(([x]) => x);
    assert.ok(Math.max(...xs) - Math.min(...xs) < 724, code);
    assert.ok(xs.length > 10, code);
  }
});

Deno.test("map pagelet fits a country to what matters of it", async () => {
  // France without its departments oversea fills the height; the United States keep Alaska.
  for (const [code, least] of [["fr", 250], ["us", 350], ["ru", 500], ["fj", 100]] as const) {
    const { text } = await request(pageletApp, `/map/${code}`);
    const inside = shapeOf(text).filter(([x, y]) => x > 0 && x < 720 && y > 0 && y < 480);
    const xs = inside.map(([x]) => x);
    assert.ok(Math.max(...xs) - Math.min(...xs) > least, code);
    assert.ok(inside.length > 0.9 * shapeOf(text).length, code);
  }
});

Deno.test("map pagelet puts the ring of a country in many parts around one of them", async () => {
  for (const code of ["ki", "pf", "mv", "mh", "fm", "sh"]) {
    const { text } = await request(pageletApp, `/map/${code}`);
    const [, x, y] = text.match(/class="ring" cx="(\d+)" cy="(\d+)"/)!.map(Number) as number[];
    assert.ok(shapeOf(text).some(([a, b]) => Math.hypot(a - x!, b - y!) < 14), code);
  }
});

Deno.test("map pagelet leaves no land out where the map is not around the country's middle", async () => {
  const { text } = await request(pageletApp, "/map/pg"); // the Solomon Islands are on its right
  const land = [...text.match(/<path d="([^"]+)"/)![1]!.matchAll(/M(-?[\d.]+),/g)];
  assert.ok(land.some(([, x]) => Number(x) > 600));
});

Deno.test("pair pagelet shows all of a long country beside a compact one", async () => {
  for (const codes of ["cl-no", "id-jp", "nz-fj", "va-ru"]) {
    const { text } = await request(pageletApp, `/pair/${codes}`);
    const cut = shapeOf(text).filter(([x, y]) => x < 50 || x > 670 || y < 50 || y > 430);
    assert.ok(cut.length < 0.05 * shapeOf(text).length, `${codes}: ${cut.length}`);
  }
});

Deno.test("pair pagelet draws both countries at one scale", async () => {
  const widthOf = async (codes: string) => {
    const { text } = await request(pageletApp, `/pair/${codes}`);
    const xs = shapeOf(text).map(([x]) => x);
    return Math.max(...xs) - Math.min(...xs);
  };
  // 190 km beside 690 km
  const ratio = await widthOf("be-pl") / await widthOf("pl-be");
  assert.ok(ratio > 0.3 && ratio < 0.5, `${ratio}`);
});

Deno.test("world pagelet has a named link for every country", async () => {
  const { text } = await request(pageletApp, "/world");
  const links = [...text.matchAll(/<a href="(\/country\/[a-z]{2})"><title>([^<]+)<\/title>/g)];
  assert.equal(new Set(links.map(([, href]) => href)).size, 250);
  assert.doesNotMatch(text, /NaN|d=""/);
});

Deno.test("facts pagelet speaks of Switzerland in both units", async () => {
  const metric = await request(pageletApp, "/facts/ch");
  for (const word of ["Bern", "Europe", "41,284 km²", "Swiss Confederation", "+41", "landlocked"]) {
    assert.ok(metric.text.includes(word), word);
  }
  assert.ok((await request(pageletApp, "/facts/CH?unit=mi")).text.includes("15,940 square miles"));
  for (const [code, fact] of [["va", "+3906698, +379"], ["do", "+1809, +1829"], ["ru", "+7<"]]) {
    assert.ok((await request(pageletApp, `/facts/${code}`)).text.includes(fact!), code);
  }
  assert.equal(countries.filter((one) => factsOf(one)["United Nations"] === "member").length, 193);
});

Deno.test("neighbours pagelet links to each, and says when there is none", async () => {
  const { text } = await request(pageletApp, "/neighbours/ch");
  const links = [...text.matchAll(/href="\/country\/(..)"/g)].map(([, code]) => code);
  assert.deepEqual(links, ["at", "fr", "de", "it", "li"]);
  assert.match(text, /href="\/compare\/ch\/at"/);
  assert.match((await request(pageletApp, "/neighbours/is")).text, /Iceland has no land borders/);
  assert.match((await request(pageletApp, "/neighbours/lk")).text, /Sri Lanka has no land borders/);
});

Deno.test("languages pagelet names languages, currencies and times of day", async () => {
  const { text } = await request(pageletApp, "/languages/ch");
  for (const word of ["French", "Italian", "Romansh", "Swiss franc", "CHF", "Zurich"]) {
    assert.ok(text.includes(word), word);
  }
  const zone = { timeZone: "Asia/Tokyo", hour: "numeric", minute: "2-digit" } as const;
  const timeIn = (locale: string) => new Date().toLocaleTimeString(locale, zone);
  const before = timeIn("en-GB");
  const tokyo = (await request(pageletApp, "/languages/jp")).text;
  assert.ok([before, timeIn("en-GB")].some((time) => tokyo.includes(time)), tokyo);
  assert.ok((await request(pageletApp, "/languages/xk")).text.includes("Belgrade"));
  const american = (await request(pageletApp, "/languages/us?unit=mi")).text;
  assert.ok((american.match(/\d [AP]M/g)?.length ?? 0) >= 6, american);
});

Deno.test("pagelets answer 404 for a code that no country has", async () => {
  for (const code of ["zz", "che", "%00", "..%2f", "fr-zz", "fr-", "-"]) {
    assert.equal((await request(pageletApp, `/facts/${code}`)).status, 404, code);
  }
});

/** It has a name, and shows the country, a ring where it lies, or both. */
function assertMap(text: string, code: string): void {
  assert.match(text, /<svg [^>]*role="img"\s+aria-label="Map of /, code);
  assert.match(text, /class="here" d="M|class="ring"/, code);
  const [, x = "0", y = "0"] = text.match(/class="ring" cx="(-?\d+)" cy="(-?\d+)"/) ?? [];
  assert.ok(+x >= 0 && +x <= 720 && +y >= 0 && +y <= 480, code);
}

/** The points of the country's own shape. */
function shapeOf(map: string): [x: number, y: number][] {
  const path = map.match(/class="here" d="([^"]+)"/)?.[1] ?? "";
  return [...path.matchAll(/[ML](-?[\d.]+),(-?[\d.]+)/g)].map(([, x, y]) => [Number(x), Number(y)]);
}
