/**
 * The pagelets: the parts that pages are put together from. Each is a route, runs in a worker that
 * may do nothing but compute, beside the others of its page, and shows up when it is ready. One
 * that fails leaves a gap with a note; the rest of the page does not hear of it.
 * @module
 */

import type { TandemEnv } from "../mod.ts";
import { countries, type Country, findCountry, neighboursOf } from "./countries.ts";
import { Hono, html } from "./deps.ts";
import { factsOf, localTimes } from "./facts.ts";
import { countryLink, type Html } from "./html.ts";
import { drawCountry, drawSmall, drawWorld } from "./maps.ts";
import type { Similar } from "./similar.ts";
import type { Message } from "./xbox.ts";

/** The pagelets' app. */
const app = new Hono<TandemEnv & { Variables: { found: [Country, ...Country[]] } }>();

// The same for everybody: drawn once a worker, like whatever else stands in a module.
let world: Promise<Html> | undefined;
app.get("/world", async (c) => c.html(await (world ??= drawWorld(countries))));

// All others are about countries: "/facts/ch" about one, "/pair/fr-de" about two.
app.use("/:part/:codes", async (c, next) => {
  const [first, ...more] = c.req.param("codes").split("-").map(findCountry);
  if (!first || more.includes(undefined)) return c.notFound();
  c.set("found", [first, ...more as Country[]]);
  await next();
});

app.get("/map/:codes", async (c) => c.html(await drawCountry(c.var.found[0])));

app.get("/pair/:codes", async (c) => c.html(await drawCountry(...c.var.found)));

app.get("/facts/:codes", (c) => {
  const { Languages: _, Money: __, ...facts } = factsOf(c.var.found[0], c.req.query("unit"));
  const rows = Object.entries(facts).filter(([, text]) => text !== "").map(row);
  return c.html(section("Facts", html`<dl>${rows}</dl>`));
});

app.get("/neighbours/:codes", (c) => {
  const country = c.var.found[0];
  const all = neighboursOf(country);
  const none = html`<p>${country.name.common} has no land borders.</p>`;
  return c.html(section("Neighbours", all.length > 0 ? cards(all, country) : none));
});

app.get("/languages/:codes", (c) => {
  const country = c.var.found[0];
  const { Languages, Money } = factsOf(country);
  const times = localTimes(country, c.req.query("unit"));
  const rows = [...Object.entries({ Languages, Money }), ...times].map(row);
  return c.html(section("Languages, money and time", html`<dl>${rows}</dl>`));
});

// A pagelet can ask others in turn: this one sends a message and shows the answer.
app.get("/similar/:codes", async (c) => {
  const country = c.var.found[0];
  const message: Message = { type: "similar", code: country.cca2, limit: 6 };
  const similar = await c.var.xbox.send<Similar[]>(message, { timeoutMs: 2000 });
  const all = similar.map(({ code }) => findCountry(code)!);
  return c.html(section("Countries like it", cards(all, country, similar.map(({ why }) => why))));
});

app.get("/cards/:codes", (c) => c.html(section(c.req.query("title"), cards(c.var.found))));

app.get("/table/:codes", (c) => {
  const facts = c.var.found.map((country) => factsOf(country, c.req.query("unit")));
  const names = Object.keys(facts[0]!).filter((name) => facts.some((one) => one[name]));
  return c.html(html`
    <table>
      <thead>
        <tr><td></td>${c.var.found.map((country) =>
          html`<th scope="col">${countryLink(country)}</th>`
        )}</tr>
      </thead>
      <tbody>${names.map((name) =>
        html`<tr><th scope="row">${name}</th>${
          facts.map((one) => html`<td>${one[name]}</td>`)
        }</tr>`
      )}</tbody>
    </table>
  `);
});

function section(title: string | undefined, content: Html): Html {
  return html`<section><h2>${title}</h2>${content}</section>`;
}

function row([term, text]: (string | undefined)[]): Html {
  return html`
    <div>
      <dt>${term}</dt>
      <dd>${text}</dd>
    </div>
  `;
}

/** Countries with small maps; each can be compared with the one that they stand beside. */
function cards(all: readonly Country[], beside?: Country, notes: string[] = []): Html {
  const compare = (a: Country, b: Country) =>
    html`<a href="${
      `/compare/${a.cca2}/${b.cca2}`.toLowerCase()
    }">compare<span class="unseen"> ${a.name.common} with ${b.name.common}</span></a>`;
  return html`<ul class="cards">${
    all.map((country, i) =>
      html`<li>${drawSmall(country)}<p>${countryLink(country)}</p><p>${notes[i]} ${
        beside && compare(beside, country)
      }</p></li>`
    )
  }</ul>`;
}

export default app;
