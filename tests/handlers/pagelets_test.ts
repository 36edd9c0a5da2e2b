import assert from "node:assert/strict";
import { countries } from "../../handlers/countries.ts";
import pageletApp from "../../handlers/pagelets.ts";
import { request } from "./fakes.ts";

Deno.test("pagelets render every country without gaps", async () => {
  assert.equal(countries.length, 250);
  for (const { cca2 } of countries) {
    for (const part of ["map", "facts", "neighbours", "tongues"]) {
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
    const path = text.match(/class="here" d="([^"]+)"/)?.[1] ?? "";
    const xs = [...path.matchAll(/[ML](-?[\d.]+),/g)].map(([, x]) => Number(x));
    assert.ok(Math.max(...xs) - Math.min(...xs) < 724, code);
    assert.ok(xs.length > 10, code);
  }
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
});

Deno.test("neighbours pagelet links to each, and says when there is none", async () => {
  const { text } = await request(pageletApp, "/neighbours/ch");
  const links = [...text.matchAll(/href="\/country\/(..)"/g)].map(([, code]) => code);
  assert.deepEqual(links, ["at", "fr", "de", "it", "li"]);
  assert.match((await request(pageletApp, "/neighbours/is")).text, /Iceland has no land borders/);
});

Deno.test("tongues pagelet names languages and currencies", async () => {
  const { text } = await request(pageletApp, "/tongues/ch");
  for (const word of ["French", "Italian", "Romansh", "Swiss franc", "CHF"]) {
    assert.ok(text.includes(word), word);
  }
});

Deno.test("pagelets answer 404 for a code that no country has", async () => {
  for (const code of ["zz", "che", "%00", "..%2f"]) {
    assert.equal((await request(pageletApp, `/facts/${code}`)).status, 404, code);
  }
});

/** It has a name, and shows the country, a ring where it lies, or both. */
function assertMap(text: string, code: string): void {
  assert.match(text, /<svg [^>]*role="img" aria-label="Map of /, code);
  assert.match(text, /class="here" d="M|class="ring"/, code);
  const [, x = "0", y = "0"] = text.match(/class="ring" cx="(-?\d+)" cy="(-?\d+)"/) ?? [];
  assert.ok(+x >= 0 && +x <= 720 && +y >= 0 && +y <= 480, code);
}
