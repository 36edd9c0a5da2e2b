import assert from "node:assert/strict";
import pageApp from "../../handlers/pages.ts";
import { initRequest } from "../../handlers/request_init.ts";
import { fakePagelets, fakeStore, indexedStore, request } from "./fakes.ts";

Deno.test("front page lists all countries, the day's and those visited lately", async () => {
  const store = fakeStore([["parameters", { title: "Atlas & more", dayStep: 83 }], ["visited", [
    "fj",
  ]]]);
  const { status, text } = await request(pageApp, "/", { store });
  assert.equal(status, 200);
  assert.match(text, /<title>Atlas &amp; more<\/title>/);
  assert.match(text, /Country of the day:/);
  assert.match(text, /Visited lately[^]*?\/country\/fj/);
  assert.equal(new Set(text.match(/\/country\/[a-z]{2}(?=")/g)).size, 250);
  assert.match(text, /aria-label="World map"/);
});

Deno.test("country page has content in every slot and takes its code in any case", async () => {
  for (const code of ["ch", "CH", "cH"]) {
    const { status, text } = await request(pageApp, `/country/${code}`);
    assert.equal(status, 200);
    for (const word of ["Map of Switzerland", "Bern", "/country/li", "Swiss franc"]) {
      assert.ok(text.includes(word), word);
    }
    assert.equal(text.match(/<h1>/g)?.length, 1);
    assert.ok(text.trimEnd().endsWith("</html>"));
  }
});

Deno.test("country page notes the visit and tells pagelets the visitor's unit", async () => {
  const store = fakeStore();
  const { urls, pagelets } = fakePagelets();
  const variables = { pagelets, session: { locals: { unit: "mi" } } };
  const { headers } = await request(pageApp, "/country/FJ", { store, variables });
  assert.equal(typeof await store.get(["visit", "fj"]), "number");
  assert.deepEqual(urls, ["/map/fj", "/facts/fj?unit=mi", "/neighbours/fj", "/tongues/fj"]);
  assert.match(headers.get("vary") ?? "", /accept-language/i);
});

Deno.test("country page shows a note where a pagelet was refused", async () => {
  const { pagelets } = fakePagelets((url) => url.startsWith("/facts"));
  const { status, text } = await request(pageApp, "/country/ch", { variables: { pagelets } });
  assert.equal(status, 200);
  assert.match(text, /\(facts\) cannot be shown/);
  assert.match(text, /Swiss franc/);
});

Deno.test("search page lists what is found, escapes what was asked, and says when search is down", async () => {
  const store = await indexedStore();
  assert.match((await request(pageApp, "/search?q=swizerland", { store })).text, /\/country\/ch/);
  const { text } = await request(pageApp, "/search?q=%22%3E%3Cscript%3E", { store });
  assert.ok(!text.includes("<script>"));
  assert.match((await request(pageApp, "/search", { store })).text, /Give the name/);
  const variables = { xbox: { send: () => Promise.reject(new Error("down")) } };
  const down = await request(pageApp, "/search?q=ch", { store, variables });
  assert.equal(down.status, 503);
  assert.match(down.text, /out of order/);
});

Deno.test("unknown pages answer 404 with suggestions", async () => {
  const store = await indexedStore();
  const { status, text } = await request(pageApp, "/country/swizerland", { store });
  assert.equal(status, 404);
  assert.match(text, /Perhaps one of these[^]*\/country\/ch"/);
  for (const path of ["/country/zz", "/nothing", "/country/%ff", "/country/%3Cb%3E"]) {
    assert.equal((await request(pageApp, path, { store })).status, 404, path);
  }
});

Deno.test("initRequest() takes square miles for American English only", () => {
  const units = ["en-US,en;q=0.9", "en-GB", "de", undefined].map((language) => {
    const session = { locals: {} as Record<string, unknown> };
    const headers = new Headers(language ? { "accept-language": language } : {});
    const request = new Request("http://localhost/", { headers });
    initRequest({ session, request } as unknown as Parameters<typeof initRequest>[0]);
    return session.locals.unit;
  });
  assert.deepEqual(units, ["mi", "km", "km", "km"]);
});
