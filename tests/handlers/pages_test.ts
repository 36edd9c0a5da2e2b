import assert from "node:assert/strict";
import pageApp from "../../handlers/pages.ts";
import { initRequest } from "../../handlers/request_init.ts";
import { fakePagelets, fakeStore, indexedStore, request } from "./fakes.ts";

Deno.test("front page lists all countries, the day's and those visited lately", async () => {
  const store = fakeStore([["visited", ["fj", "ch"]]]);
  const { status, text } = await request(pageApp, "/", { store });
  assert.equal(status, 200);
  assert.match(text, /<title>Countries of the world – Atlas<\/title>/);
  assert.match(text, /Country of the day/);
  assert.match(text, /Visited lately[^]*?\/country\/fj[^]*?\/country\/ch/);
  const after = text.slice(text.indexOf(`id="all"`));
  assert.equal(new Set(after.match(/\/country\/[a-z]{2}(?=")/g)).size, 250);
  assert.match(text, /aria-label="World map"/);
});

Deno.test("front page has no place for visits when there were none", async () => {
  const { text } = await request(pageApp, "/");
  assert.doesNotMatch(text, /Visited lately|cannot be shown/);
});

Deno.test("country page has content in every slot", async () => {
  const { status, text } = await request(pageApp, "/country/ch");
  assert.equal(status, 200);
  for (const word of ["Map of Switzerland", "Bern", "/country/li", "Swiss franc", "Zurich"]) {
    assert.ok(text.includes(word), word);
  }
  assert.match(text, /Countries like it[^]*compare\/ch\//);
  assert.equal(text.match(/<h1>/g)?.length, 1);
  assert.ok(text.trimEnd().endsWith("</html>"));
});

Deno.test("country page has one address", async () => {
  for (const code of ["CH", "cH"]) {
    const { status, headers } = await request(pageApp, `/country/${code}`);
    assert.equal(status, 301);
    assert.equal(headers.get("location"), "/country/ch");
  }
});

Deno.test("country page notes the visit and tells pagelets the visitor's unit", async () => {
  const store = fakeStore();
  const { urls, pagelets } = fakePagelets();
  const variables = { pagelets, session: { locals: { unit: "mi" } } };
  const { headers } = await request(pageApp, "/country/fj", { store, variables });
  assert.equal(typeof await store.get(["visit", "fj"]), "number");
  assert.deepEqual(urls, [
    "/map/fj",
    "/facts/fj?unit=mi",
    "/neighbours/fj",
    "/languages/fj?unit=mi",
    "/similar/fj",
  ]);
  assert.match(headers.get("vary") ?? "", /accept-language/i);
});

Deno.test("compare page shows both maps and all facts, and knows only countries", async () => {
  const { status, text } = await request(pageApp, "/compare/fr/de");
  assert.equal(status, 200);
  assert.match(text, /<h1>[^]*France and Germany<\/h1>/);
  for (const word of ["Map of France", "Map of Germany", "Paris", "Berlin", "Euro (EUR)"]) {
    assert.ok(text.includes(word), word);
  }
  for (const path of ["/compare/fr/zz", "/compare/zz/fr", "/compare/fr"]) {
    assert.equal((await request(pageApp, path)).status, 404, path);
  }
});

Deno.test("pages are answered 304 when the visitor has them, without a pagelet", async () => {
  const store = await indexedStore();
  for (const path of ["/", "/country/ch", "/compare/fr/de", "/search?q=swiss"]) {
    const first = await request(pageApp, path, { store });
    assert.equal(first.headers.get("cache-control"), "no-cache", path);
    const tag = first.headers.get("etag") ?? "";
    assert.match(tag, /^W\/"[^"]+"$/, path);
    const { urls, pagelets } = fakePagelets();
    const headers = { "if-none-match": `"other", ${tag}` };
    const again = await request(pageApp, path, { store, headers, variables: { pagelets } });
    // The minute may have passed between the two: then the page is another one.
    if (again.headers.get("etag") !== tag) continue;
    assert.deepEqual([again.status, again.text, urls], [304, "", []], path);
    const other = await request(pageApp, path, { store, headers: { "if-none-match": `"other"` } });
    assert.equal(other.status, 200, path);
  }
});

Deno.test("front page is answered 304 also after several visits, however the tag is written", async () => {
  const store = fakeStore([["visited", ["fj", "ch", "us"]]]);
  const tag = (await request(pageApp, "/", { store })).headers.get("etag")!;
  for (const known of [tag, tag.replace("W/", ""), `"a" , ${tag} , "b"`]) {
    const headers = { "if-none-match": known };
    assert.equal((await request(pageApp, "/", { store, headers })).status, 304, known);
  }
  for (const other of [tag.slice(2, -1), `${tag.slice(0, -1)},ru"`, tag.replace('"', '"1')]) {
    const headers = { "if-none-match": other };
    assert.equal((await request(pageApp, "/", { store, headers })).status, 200, other);
  }
});

Deno.test("pages keep their tags when a visitor leaves before the end", async () => {
  const tagOf = async (variables = {}) =>
    (await request(pageApp, "/compare/ch/de", { variables })).headers.get("etag");
  const tag = await tagOf();
  const pagelets = { ...fakePagelets().pagelets, tryStart: () => null };
  await tagOf({ pagelets, signal: AbortSignal.abort() });
  assert.equal(await tagOf(), tag);
  await tagOf({ pagelets });
  assert.notEqual(await tagOf(), tag);
});

Deno.test("pages have other tags for other units, visits and days", async () => {
  const tagOf = async (path: string, unit: string, visited: string[]) => {
    const variables = { session: { locals: { unit } } };
    const store = fakeStore([["visited", visited]]);
    return (await request(pageApp, path, { store, variables })).headers.get("etag");
  };
  assert.notEqual(await tagOf("/compare/fr/de", "km", []), await tagOf("/compare/fr/de", "mi", []));
  assert.notEqual(await tagOf("/", "km", ["fr"]), await tagOf("/", "km", ["ch"]));
});

Deno.test("country page shows a note where a pagelet was refused, and is not kept so", async () => {
  const { pagelets } = fakePagelets((url) => url.startsWith("/facts"));
  const { status, text, headers } = await request(pageApp, "/compare/ch/de", {
    variables: { pagelets: { ...pagelets, tryStart: () => null } },
  });
  assert.equal(status, 200);
  assert.match(text, /\(table\) cannot be shown/);
  const tag = headers.get("etag") ?? "";
  const again = await request(pageApp, "/compare/ch/de", { headers: { "if-none-match": tag } });
  assert.equal(again.status, 200);
  assert.match(again.text, /Euro/);

  const one = await request(pageApp, "/country/ch", { variables: { pagelets } });
  assert.match(one.text, /\(facts\) cannot be shown/);
  assert.match(one.text, /Swiss franc/);
});

Deno.test("style sheet has an address that changes with its content", async () => {
  const { text } = await request(pageApp, "/search");
  const path = text.match(/href="(\/style\.css\?v=[^"]+)"/)?.[1] ?? "";
  const style = await request(pageApp, path);
  assert.equal(style.headers.get("content-type"), "text/css; charset=utf-8");
  assert.match(style.headers.get("cache-control") ?? "", /immutable/);
  assert.match(style.text, /prefers-color-scheme/);
  for (const other of ["/style.css", "/style.css?v=older"]) {
    const { headers } = await request(pageApp, other);
    assert.equal(headers.get("cache-control"), "no-store", other);
  }
});

Deno.test("search page lists what is found, escapes what was asked, and says when search is down", async () => {
  const store = await indexedStore();
  assert.match((await request(pageApp, "/search?q=swizerland", { store })).text, /\/country\/ch/);
  const { text } = await request(pageApp, "/search?q=%22%3E%3Cscript%3E", { store });
  assert.ok(!text.includes("<script>"));
  assert.match((await request(pageApp, "/search", { store })).text, /<h1>[^]*Search<\/h1>/);
  const variables = { xbox: { send: () => Promise.reject(new Error("down")) } };
  const down = await request(pageApp, "/search?q=ch", { store, variables });
  assert.equal(down.status, 503);
  assert.match(down.text, /out of order/);
  const headers = { "if-none-match": down.headers.get("etag") ?? "" };
  assert.equal((await request(pageApp, "/search?q=ch", { store, headers })).status, 200);
});

Deno.test("unknown pages answer 404 with suggestions", async () => {
  const store = await indexedStore();
  const asked = ["/country/swizerland", "/swizerland/", "/compare/fr/swizerl%61nd"];
  for (const path of asked) {
    const { status, text } = await request(pageApp, path, { store });
    assert.equal(status, 404, path);
    assert.match(text, /Perhaps one of these[^]*\/country\/ch"/, path);
  }
  for (const path of ["/country/zz", "/nothing", "/country/%ff", "/country/%3Cb%3E", "/%"]) {
    const { status, text } = await request(pageApp, path, { store });
    assert.equal(status, 404, path);
    assert.doesNotMatch(text, /<b>/, path);
  }
});

Deno.test("an unknown page searches for no more than a search does", async () => {
  const asked: string[] = [];
  const xbox = { send: ({ q }: { q: string }) => Promise.resolve((asked.push(q), [])) };
  const long = "island+".repeat(1000);
  await request(pageApp, `/${long}`, { variables: { xbox } });
  await request(pageApp, `/search?q=${long}`, { variables: { xbox } });
  assert.deepEqual(asked.map(({ length }) => length), [100, 100]);
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
