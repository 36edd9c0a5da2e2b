/**
 * The pages. They run in the entry and do little themselves: they start what is slow elsewhere, send
 * the head of the page at once, and let the parts fill in as they come.
 *
 * @module
 */

import { slots, type Store, type TandemEnv, type Xbox } from "../mod.ts";
import { countries, type Country, findCountry } from "./countries.ts";
import { Hono, html } from "./deps.ts";
import { bottom, countryLink, foundList, GRID_STYLE, type Html, top } from "./html.ts";
import type { Found } from "./search.ts";
import { PARAMETERS, type Parameters } from "./startup.ts";
import type { SearchMessage } from "./xbox.ts";

const DAY_MS = 24 * 60 * 60 * 1000;

/** The pages' app. */
const app = new Hono<TandemEnv>();

app.get("/", async (c) => {
  const { store, pagelets } = c.var;
  const map = pagelets.tryStart("/world"); // it draws while we ask the store
  const { title, dayStep } = await parametersIn(store);
  const visited = await store.get<string[]>("visited") ?? []; // from the loop
  const seen = visited.map(findCountry).filter((country) => country !== undefined);
  const ofTheDay = countries[Math.floor(Date.now() / DAY_MS) * dayStep % countries.length]!;
  const before = html`${top(title, title)}<h1>The countries of the world</h1>
<p>Country of the day: ${countryLink(ofTheDay)}</p>
${seen.length > 0 && html`<h2>Visited lately</h2>${countryList(seen)}`}`;
  const grid = `<div class="grid"><div class="wide">${place("map", "Map")}</div></div>`;
  const after = html`${byRegion()}${bottom()}`;
  return slots(c, await layoutOf(before, grid, after), { map });
});

app.get("/country/:code", async (c) => {
  const { store, pagelets, session } = c.var;
  const country = findCountry(c.req.param("code"));
  if (!country) return c.notFound();

  // All parts start now and side by side. A full pool gives `null`: that place gets the fallback.
  const code = country.cca2.toLowerCase();
  const unit = session.locals.unit === "mi" ? "mi" : "km";
  const tasks = {
    map: pagelets.tryStart(`/map/${code}`),
    facts: pagelets.tryStart(`/facts/${code}?unit=${unit}`),
    neighbours: pagelets.tryStart(`/neighbours/${code}`),
    tongues: pagelets.tryStart(`/tongues/${code}`),
  };
  c.header("vary", "accept-language"); // for the unit, which request init chose

  // The visitor does not wait for this note: the page is sent meanwhile. The loop lists all notes.
  const { title, visitTtlMs } = await parametersIn(store);
  c.executionCtx.waitUntil(store.set(["visit", code], Date.now(), { ttlMs: visitTtlMs }));

  const name = country.name.common;
  const before = html`${top(title, name)}<h1>${country.flag} ${name}</h1>`;
  const grid = `<div class="grid"><div class="wide">${place("map", "Map")}</div>
<div>${place("facts", "Facts")}</div>
<div>${place("neighbours", "Neighbours")}</div>
<div>${place("tongues", "Languages and currencies")}</div></div>`;
  return slots(c, await layoutOf(before, grid, bottom()), tasks);
});

app.get("/search", async (c) => {
  const q = (c.req.query("q") ?? "").trim().slice(0, 100);
  const { title } = await parametersIn(c.var.store);
  const found = q === "" ? [] : await search(c.var.xbox, q, 50);
  const heading = q === "" ? "Search" : `Search: ${q}`;
  return c.html(
    html`${top(title, heading, q)}<h1>${heading}</h1>${resultOf(q, found)}${bottom()}`,
    found ? 200 : 503,
  );
});

app.notFound(async (c) => {
  const { title } = await parametersIn(c.var.store);
  const asked = words(c.req.path);
  const found = asked === "" ? [] : await search(c.var.xbox, asked, 6) ?? [];
  return c.html(
    html`${top(title, "Not found")}<h1>There is no such page</h1>${
      found.length > 0
        ? html`<p>Perhaps one of these is what you look for:</p>${foundList(found)}`
        : html`<p>All countries are on the <a href="/">front page</a>.</p>`
    }${bottom()}`,
    404,
  );
});

async function parametersIn(store: Store): Promise<Parameters> {
  return await store.get<Parameters>("parameters") ?? PARAMETERS;
}

/** A page with slots: everything but the grid is escaped markup, which `slots` takes as text. */
async function layoutOf(before: Html, grid: string, after: Html) {
  return {
    before: String(await before),
    grid,
    css: GRID_STYLE,
    after: String(await after),
    fallback,
  };
}

/** A place in the grid, with what stands there until its pagelet is ready. */
function place(name: string, title: string): string {
  return `<slot name="${name}"><p class="wait">${title} …</p></slot>`;
}

/** What stands in the place of a pagelet that failed. */
function fallback(name: string): string {
  return `<p class="soft">This part of the page (${name}) cannot be shown now.</p>`;
}

/** Asks an xbox worker; `undefined` when it has no answer in time. */
async function search(xbox: Xbox, q: string, limit: number): Promise<Found[] | undefined> {
  const message: SearchMessage = { type: "search", q, limit };
  try {
    return await xbox.send<Found[]>(message, { timeoutMs: 2000 });
  } catch {
    return undefined; // refused, failed or out of time: the visitor gets a page all the same
  }
}

function resultOf(q: string, found: readonly Found[] | undefined): Html {
  if (!found) return html`<p>The search is out of order. Please try again in a moment.</p>`;
  if (q === "") return html`<p>Give the name of a country, in any language, or of a capital.</p>`;
  return found.length > 0 ? foundList(found) : html`<p>Nothing is called so, or nearly so.</p>`;
}

function byRegion(): Html {
  const regions = [...Map.groupBy(countries, ({ region }) => region)].toSorted();
  return html`${
    regions.map(([region, members]) =>
      html`<section aria-label="${region}"><h2>${region}</h2>${countryList(members)}</section>`
    )
  }`;
}

function countryList(members: readonly Country[]): Html {
  return html`<ul class="links">${members.map((one) => html`<li>${countryLink(one)}</li>`)}</ul>`;
}

/** What an address may have meant: its last part, as words. */
function words(path: string): string {
  const last = path.split("/").at(-1) ?? "";
  try {
    return decodeURIComponent(last).replace(/[^\p{L}\p{M}]+/gu, " ").trim();
  } catch {
    return ""; // no valid encoding
  }
}

export default app;
