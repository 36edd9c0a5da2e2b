/**
 * The pages. They run in the entry and do little themselves: they start what is slow elsewhere, send
 * the head of the page at once, and let the parts fill in as they come.
 * @module
 */

import type { TandemEnv } from "../mod.ts";
import { countries, findCountry, pathOf } from "./countries.ts";
import { Hono, html } from "./deps.ts";
import { assemble, isKnown, POLICY, styleSheet, whole } from "./frame.ts";
import { linkList } from "./html.ts";
import { parametersOf } from "./startup.ts";
import type { Message } from "./xbox.ts";

const DAY_MS = 24 * 60 * 60 * 1000;

/** The pages' app. */
const app = new Hono<TandemEnv>();

app.use((c, next) => {
  c.header("content-security-policy", POLICY);
  return next();
});

app.get("/style.css", styleSheet);

app.get("/", async (c) => {
  const { dayStep } = parametersOf(c.var.globals);
  const today = countries[Math.floor(Date.now() / DAY_MS) * dayStep % countries.length]!;
  const visited = await c.var.store.get<string[]>("visited") ?? []; // from the loop
  if (isKnown(c, today.cca2, visited)) return c.body(null, 304);
  const regions = Map.groupBy(countries, ({ region }) => region);
  const lists = [...regions].map(([region, all]) => html`<h2>${region}</h2>${linkList(all)}`);
  return assemble(c, "Countries of the world", {
    world: "/world",
    today: `/cards/${today.cca2}?title=Country+of+the+day`,
    ...visited.length > 0 && { visited: `/cards/${visited.join("-")}?title=Visited+lately` },
  }, { rest: html`<section id="all">${lists}</section>` });
});

app.get("/country/:code", (c) => {
  const country = findCountry(c.req.param("code"));
  if (!country) return c.notFound();
  if (c.req.path !== pathOf(country)) return c.redirect(pathOf(country), 301); // one address for each

  // Nobody waits for this note: the page is sent meanwhile. The loop makes a list of all notes.
  const code = country.cca2.toLowerCase();
  const { visitTtlMs } = parametersOf(c.var.globals);
  c.executionCtx.waitUntil(c.var.store.set(["visit", code], Date.now(), { ttlMs: visitTtlMs }));

  const { unit } = c.var.session.locals; // from request init
  const minute = Math.floor(Date.now() / 60_000); // the page shows times of day
  if (isKnown(c, unit, minute)) return c.body(null, 304);
  return assemble(c, country.name.common, {
    map: `/map/${code}`,
    facts: `/facts/${code}?unit=${unit}`,
    neighbours: `/neighbours/${code}`,
    languages: `/languages/${code}?unit=${unit}`,
    similar: `/similar/${code}`,
  }, { flag: country.flag });
});

app.get("/compare/:a/:b", (c) => {
  const [a, b] = [findCountry(c.req.param("a")), findCountry(c.req.param("b"))];
  if (!a || !b) return c.notFound();
  const { unit } = c.var.session.locals;
  if (isKnown(c, unit)) return c.body(null, 304);
  return assemble(c, `${a.name.common} and ${b.name.common}`, {
    first: `/pair/${a.cca2}-${b.cca2}`,
    second: `/pair/${b.cca2}-${a.cca2}`,
    table: `/table/${a.cca2}-${b.cca2}?unit=${unit}`,
  });
});

app.get("/search", async (c) => {
  const query = (c.req.query("q") ?? "").trim().slice(0, 100);
  if (isKnown(c)) return c.body(null, 304);
  const title = query === "" ? "Search" : `Search: ${query}`;
  const found = await search(c.var, query, 50);
  if (!found) {
    const sorry = html`<p>The search is out of order. Please try again in a moment.</p>`;
    return whole(c, title, sorry, { query, status: 503 });
  }
  const none = html`<p>No country or capital is called so, or nearly so.</p>`;
  return whole(c, title, found.length > 0 ? linkList(found) : none, { query });
});

app.notFound(async (c) => {
  const last = c.req.path.split("/").findLast((part) => part !== "") ?? "";
  const [words = ""] = new URLSearchParams(last).keys(); // decodes what it can, and never throws
  const found = await search(c.var, words.slice(0, 100), 6) ?? [];
  const hint = found.length > 0
    ? html`<p>Perhaps one of these is what you look for:</p>${linkList(found)}`
    : html`<p>All countries are on the <a href="/">front page</a>.</p>`;
  return whole(c, "There is no such page", hint, { status: 404 });
});

/** Asks an xbox worker which countries are called `q`, or nearly so; without an answer, `undefined`. */
async function search({ xbox, log }: TandemEnv["Variables"], q: string, limit: number) {
  const message: Message = { type: "search", q, limit };
  try {
    const codes = await xbox.send<string[]>(message, { timeoutMs: 2000 });
    return codes.map((code) => findCountry(code)!);
  } catch (error) {
    log.error("A search has no answer", { why: String(error) });
  }
}

export default app;
