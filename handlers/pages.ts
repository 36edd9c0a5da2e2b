/**
 * The pages. They run in the entry and do little themselves: they start what is slow elsewhere, send
 * the head of the page at once, and let the parts fill in as they come.
 *
 * @module
 */

import { type Pagelets, slots, type TandemEnv, type Xbox } from "../mod.ts";
import { countries, type Country, findCountry } from "./countries.ts";
import { Hono, html } from "./deps.ts";
import { bottom, countryLink, foundList, GRID_STYLE, type Html, top } from "./html.ts";
import type { Found } from "./search.ts";
import type { Parameters } from "./startup.ts";
import type { SearchMessage } from "./xbox.ts";

const HOUR_MS = 60 * 60 * 1000;

/** The pages' app. */
const app = new Hono<TandemEnv>();

app.get("/", async (c) => {
  const { store, pagelets } = c.var;
  const map = pagelets.tryStart("/world"); // it draws while we ask the store
  const [parameters, visited = []] = await store.getMany(["parameters", "visited"]) as [
    Parameters | undefined,
    string[] | undefined,
  ];
  const title = parameters?.title ?? "Atlas";
  const seen = visited.map(findCountry).filter((country) => country !== undefined);
  const before = html`${top(title, title)}<h1>The countries of the world</h1>
<p>Country of the day: ${countryLink(countryOfTheDay(parameters?.dayStep ?? 1))}</p>
${seen.length > 0 && html`<h2>Visited lately</h2>${countryList(seen)}`}`;
  return slots(c, {
    before: String(await before),
    grid: `<div class="grid"><div class="wide">${
      place("map", "The map is being drawn …")
    }</div></div>`,
    css: GRID_STYLE,
    after: String(await html`${byRegion()}${bottom()}`),
    fallback,
  }, { map });
});

app.get("/country/:code", async (c) => {
  const { store, pagelets, session } = c.var;
  const country = findCountry(c.req.param("code"));
  if (!country) return c.notFound();
  const code = country.cca2.toLowerCase();
  const parameters = await store.get<Parameters>("parameters");

  // Nobody waits for the note: it is written after the response, and the loop makes a list of all.
  const ttlMs = parameters?.visitTtlMs ?? HOUR_MS;
  c.executionCtx.waitUntil(store.set(["visit", code], Date.now(), { ttlMs }));

  c.header("vary", "accept-language"); // for the unit, which request init chose
  const title = parameters?.title ?? "Atlas";
  return slots(
    c,
    {
      before: String(
        await html`${
          top(title, country.name.common)
        }<h1>${country.flag} ${country.name.common}</h1>`,
      ),
      grid: `<div class="grid">
<div class="wide">${place("map", "The map is being drawn …")}</div>
<div>${place("facts", "Facts …")}</div>
<div>${place("neighbours", "Neighbours …")}</div>
<div>${place("tongues", "Languages and currencies …")}</div>
</div>`,
      css: GRID_STYLE,
      after: String(await bottom()),
      fallback,
    },
    startAll(pagelets, {
      map: `/map/${code}`,
      facts: `/facts/${code}?unit=${session.locals.unit === "mi" ? "mi" : "km"}`,
      neighbours: `/neighbours/${code}`,
      tongues: `/tongues/${code}`,
    }),
  );
});

app.get("/search", async (c) => {
  const { store, xbox } = c.var;
  const q = (c.req.query("q") ?? "").trim().slice(0, 100);
  const site = (await store.get<Parameters>("parameters"))?.title ?? "Atlas";
  const found = q === "" ? [] : await search(xbox, q, 50);
  const title = q === "" ? "Search" : `Search: ${q}`;
  return c.html(
    html`${top(site, title, q)}<h1>${title}</h1>${resultOf(q, found)}${bottom()}`,
    found ? 200 : 503,
  );
});

app.notFound(async (c) => {
  const site = (await c.var.store.get<Parameters>("parameters"))?.title ?? "Atlas";
  const asked = words(c.req.path);
  const found = asked === "" ? [] : await search(c.var.xbox, asked, 6) ?? [];
  return c.html(
    html`${top(site, "Not found")}<h1>There is no such page</h1>
<p>${found.length > 0 ? "Perhaps one of these is what you look for:" : "All countries are on the"}
${found.length === 0 && html`<a href="/">front page</a>.`}</p>
${found.length > 0 && foundList(found)}${bottom()}`,
    404,
  );
});

/** Asks an xbox worker; `undefined` when it has no answer in time. */
async function search(xbox: Xbox, q: string, limit: number): Promise<Found[] | undefined> {
  const message: SearchMessage = { type: "search", q, limit };
  try {
    return await xbox.send<Found[]>(message, { timeoutMs: 2000 });
  } catch {
    return undefined; // refused, failed or out of time: the log has it, the visitor gets a page
  }
}

function resultOf(q: string, found: readonly Found[] | undefined): Html {
  if (!found) return html`<p>The search is out of order. Please try again in a moment.</p>`;
  if (q === "") return html`<p>Give the name of a country, in any language, or of a capital.</p>`;
  return found.length > 0 ? foundList(found) : html`<p>Nothing is called so, or nearly so.</p>`;
}

/** Starts a pagelet for each slot; a full pool refuses with `null`, and that slot gets the fallback. */
function startAll<Name extends string>(pagelets: Pagelets, urls: Record<Name, string>) {
  const tasks = Object.entries<string>(urls).map(([name, url]) => [name, pagelets.tryStart(url)]);
  return Object.fromEntries(tasks) as Record<Name, ReturnType<Pagelets["tryStart"]>>;
}

/** A place in the grid, with what stands there until its pagelet is ready. */
function place(name: string, waiting: string): string {
  return `<slot name="${name}"><p class="wait">${waiting}</p></slot>`;
}

/** What stands in a slot whose pagelet failed. */
function fallback(name: string): string {
  return `<p class="soft">This part of the page (${name}) cannot be shown now.</p>`;
}

function countryOfTheDay(step: number): Country {
  const day = Math.floor(Date.now() / (24 * HOUR_MS));
  return countries[(day * step) % countries.length]!;
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
