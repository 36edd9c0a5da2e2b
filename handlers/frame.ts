/**
 * What all pages have in common: the frame around them, how pagelets make a page, and its caching.
 * @module
 */

import { createHash } from "node:crypto";
import { slots, type TandemEnv } from "../mod.ts";
import { type Context, html } from "./deps.ts";
import grid from "./grid.css" with { type: "text" };
import type { Html } from "./html.ts";
import { parametersOf } from "./startup.ts";
import style from "./style.css" with { type: "text" };

type PageContext = Context<TandemEnv>;

const STYLE_VERSION = sha256(style).slice(0, 8);

/** No script, and no markup that sends anything elsewhere. */
export const POLICY = "default-src 'none'; base-uri 'none'; frame-ancestors 'none'; " +
  `img-src data:; form-action 'self'; style-src 'self' 'sha256-${sha256(grid)}'`;

// A page with a gap carries the tag of a whole one, since tags leave first. So each gap changes all
// tags, and no browser keeps the page that has it. A visitor who has gone keeps nothing anyway.
let gaps = 0;

/**
 * Tags the answer with all that it hangs on, and says whether the visitor has it already. Browsers
 * keep pages and ask each time, which costs no pagelet.
 */
export function isKnown(c: PageContext, ...state: unknown[]): boolean {
  const tag = `"${[c.var.server.startedAt, gaps, ...state].join("-")}"`;
  c.header("etag", `W/${tag}`);
  c.header("cache-control", "no-cache");
  c.header("vary", "accept-language"); // for the unit, which request init chose
  return c.req.header("if-none-match")?.includes(tag) ?? false; // quoted, it is no part of another
}

/**
 * The style sheet. Its address names its content, so that a browser need never ask for it again; under
 * the address of another, which a box before or after an update has named, nobody may keep it.
 */
export function styleSheet(c: PageContext): Response {
  const isNamed = c.req.query("v") === STYLE_VERSION;
  c.header("cache-control", isNamed ? "public, max-age=31536000, immutable" : "no-store");
  return c.body(style, 200, { "content-type": "text/css; charset=utf-8" });
}

/**
 * Sends a page whose parts are pagelets, by the names of their places. All start now and run side by
 * side; a full pool refuses with `null`, and that place gets the fallback.
 */
export async function assemble(
  c: PageContext,
  title: string,
  parts: Record<string, string>,
  { flag = "", rest }: { flag?: string; rest?: Html } = {},
): Promise<Response> {
  const start = ([name, url]: [string, string]) => [name, c.var.pagelets.tryStart(url)];
  const tasks = Object.fromEntries(Object.entries(parts).map(start));
  const place = (name: string) =>
    `<div class="${name}"><slot name="${name}"><p>${name} …</p></slot></div>`;
  const fallback = (name: string) => {
    if (!c.var.signal.aborted) gaps++;
    return `<p class="gap">This part (${name}) cannot be shown now. <a href="">Try again</a></p>`;
  };
  return slots(c, {
    before: String(await top(c, title, { flag })),
    grid: `<div class="grid">${Object.keys(parts).map(place).join("")}</div>`,
    css: grid,
    after: String(await html`${rest}${bottom}`),
    fallback,
  }, tasks);
}

/** Sends a page in one piece. */
export function whole(
  c: PageContext,
  title: string,
  content: Html,
  { status = 200, query = "" }: { status?: 200 | 404 | 503; query?: string } = {},
): Response | Promise<Response> {
  if (status === 503 && !c.var.signal.aborted) gaps++;
  return c.html(html`${top(c, title, { query })}${content}${bottom}`, status);
}

/** From the doctype into `<main>`: what leaves first. */
function top(c: PageContext, title: string, { query = "", flag = "" }): Html {
  const site = parametersOf(c.var.globals).title;
  return html`
    <!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8">
        <meta name="viewport" content="width=device-width, initial-scale=1">
        <title>${title} – ${site}</title>
        <link rel="stylesheet" href="/style.css?v=${encodeURIComponent(STYLE_VERSION)}">
        <link rel="icon" href="data:,">
      </head>
      <body><a class="skip" href="#main">Skip to content</a>
    <header><a class="home" href="/">${site}</a><form action="/search" role="search">
    <input name="q" type="search" value="${query}" maxlength="100" autocomplete="off"
    aria-label="Search countries" placeholder="Country, capital or code"><button>Search</button>
    </form></header><main id="main"><h1><span aria-hidden="true">${flag}</span> ${title}</h1>
  `;
}

/** From `</main>` to the end of the page. */
const bottom = html`
  </main>
  <footer>Countries: world-countries (ODbL). Shapes: Natural Earth. Served
  by Tandem.</footer>
  </body>
  </html>
`;

function sha256(text: string): string {
  return createHash("sha256").update(text).digest("base64");
}
