/**
 * Pages whose pagelets fill their places in the order in which they end, without script.
 *
 * The grid goes out first, in a declarative shadow root with one named slot for each pagelet; each
 * pagelet follows as a child that the browser shows in its slot. Slot names are made anew for each
 * response, and each pagelet's markup is balanced by an HTML parser before it joins the page.
 *
 * @module
 */

import { messageOf } from "../errors.ts";
import type { Log } from "../types/log.ts";
import type { PageletTask } from "../types/pagelet.ts";
import { balanceMarkup, escapeText } from "./balance.ts";
import { flush, isHead, type PageContext } from "./flush.ts";
import { compileGrid, newNonce, slotName } from "./grid.ts";
import { asCompleted } from "./pagelets.ts";
import { remember } from "./remember.ts";

/** Balancing takes a fifth of a millisecond for 4 KB, and the same pagelets come again and again. */
const balance = remember(balanceMarkup, 4 * 1024 * 1024);

/** The parts of a page with slots. */
export interface SlotsLayout {
  /** Everything before the grid: doctype, head, headings, landmarks. What it leaves open, `after` closes. */
  before: string;
  /** The grid: markup with a `<slot name="…">` for each pagelet; a slot's own content shows until it is filled. */
  grid: string;
  /** Everything after the grid. */
  after: string;
  /** Styles of the grid. The page's own styles do not reach it, though they do reach the pagelets. */
  css?: string;
  /** Nonce of the page's content security policy, for the grid's styles. */
  cspNonce?: string;
  /** Makes the markup that stands in for a pagelet that failed. @default a sentence */
  fallback?: (name: string, error: Error) => string;
}

/**
 * Sends a page with slots; each slot fills when its pagelet ends.
 *
 * A pagelet that fails, times out, was refused (`null`) or answers with a status of 300 or above leaves
 * the fallback in its slot. A pagelet that is not HTML, XML or SVG is shown as text. `noscript` elements
 * of a pagelet are dropped, since they can't be balanced for readers with and without script alike.
 *
 * @param c The handler's context.
 * @param layout The page around the pagelets.
 * @param tasks The pagelets by slot name.
 * @throws {TypeError} If a task has no slot in the grid, or the grid or its styles are malformed.
 *
 * @example Usage
 * ```ts ignore
 * site.app.get("/", (c) => {
 *   const { pagelets } = c.var;
 *   return slots(c, {
 *     before: "<!doctype html><title>News</title><h1>News</h1>",
 *     grid: '<slot name="feed">Loading…</slot><slot name="ads"></slot>',
 *     after: "<footer>That was it</footer>",
 *   }, { feed: pagelets.start("/feed"), ads: pagelets.tryStart("/ads") });
 * });
 * ```
 */
export function slots(
  c: PageContext,
  layout: SlotsLayout,
  tasks: Record<string, PageletTask | null>,
): Response {
  const { before, after, css = "", cspNonce, fallback = apologise } = layout;
  const grid = compileGrid(layout.grid);
  for (const name of Object.keys(tasks)) {
    if (grid.names.includes(name)) continue;
    throw new TypeError(
      `Cannot fill slot "${name}": the grid has ${
        grid.names.map((known) => `"${known}"`).join(", ")
      }`,
    );
  }
  if (/<\/style/i.test(css)) {
    throw new TypeError("Cannot style the grid: its css ends the style element");
  }
  if (isHead(c)) {
    for (const task of Object.values(tasks)) task?.cancel("a HEAD request has no body");
  }
  const nonce = newNonce();
  const style = cspNonce === undefined ? "<style>" : `<style nonce="${escapeText(cspNonce)}">`;
  return flush(c, async (out) => {
    await out.write(
      `${before}<div><template shadowrootmode="open">${style}${css}</style>${grid.render(nonce)}` +
        "</template>",
    );
    const fill = (name: string, markup: string) =>
      out.write(`<div slot="${slotName(name, nonce)}">${markup}</div>`);
    const names = new Map<PageletTask, string[]>();
    for (const [name, task] of Object.entries(tasks)) {
      if (task !== null) names.set(task, [...names.get(task) ?? [], name]);
      else await fill(name, excuse(fallback, name, new Error("it was refused"), c.var.log));
    }
    for await (const task of asCompleted(names.keys())) {
      const content = await readMarkup(task);
      for (const name of names.get(task)!) {
        await fill(
          name,
          typeof content === "string" ? content : excuse(fallback, name, content, c.var.log),
        );
      }
    }
    await out.write(`</div>${after}`);
  });
}

/** The pagelet's markup, fit to stand in the page, or why there is none. */
async function readMarkup(task: PageletTask): Promise<string | Error> {
  const response = await task.response();
  if (task.error !== undefined || response.status >= 300) {
    await response.body?.cancel();
    return task.error ?? new Error(`it answered with status ${response.status}`);
  }
  const type = response.headers.get("content-type") ?? "text/html";
  try {
    const text = await response.text();
    return /^[\w.+-]+\/(?:[\w.-]+\+)?(?:html|xml)\b/i.test(type) ? balance(text) : escapeText(text);
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error));
  }
}

function excuse(
  fallback: (name: string, error: Error) => string,
  name: string,
  error: Error,
  log: Log | undefined,
): string {
  log?.warn("A slot got its fallback", { slot: name, why: error.message });
  try {
    return balanceMarkup(fallback(name, error));
  } catch (fault) {
    log?.error("A slot's fallback failed", { slot: name, why: messageOf(fault) });
    return apologise();
  }
}

function apologise(): string {
  return '<p role="status">This part of the page is not available right now.</p>';
}
