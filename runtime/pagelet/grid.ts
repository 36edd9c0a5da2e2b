/**
 * The grid of a page whose pagelets arrive in any order: the author's markup with a `<slot name="…">` for each pagelet,
 * sent first and inside a declarative shadow root. Each response names its slots anew, so that no pagelet can guess
 * the name of another's. This module neither writes the shadow root nor fills the slots.
 *
 * @module
 */

import { type DefaultTreeAdapterTypes, html as names, parseFragment } from "../deps/parse5.ts";
import { balanceMarkup, escapeText } from "./balance.ts";

type Element = DefaultTreeAdapterTypes.Element;

/** Grids kept compiled; a site has about one a page template. */
const MAX_CACHED = 64;
const SLOT_NAME = /^[A-Za-z][\w-]*$/;
const NONCE = /^[0-9A-Za-z]+$/;

const cache = new Map<string, CompiledGrid>();

/** A grid that is ready to be sent. */
export interface CompiledGrid {
  /** The author's slot names, in the order of the markup. */
  readonly names: readonly string[];

  /**
   * Writes the grid for one response, each slot `feed` named as {@linkcode slotName} says. What the author put inside a
   * slot stands there until the slot is filled.
   *
   * @param nonce What {@linkcode newNonce} returned for this response.
   * @returns Markup to be placed inside a template with `shadowrootmode`.
   * @throws {TypeError} If the nonce has other characters than digits and Latin letters.
   */
  render(nonce: string): string;
}

/**
 * Compiles a grid, or returns it from the cache, which holds the 64 grids that were last asked for.
 *
 * The markup is balanced as a pagelet's is, so that it stays inside its shadow root. Slots inside a template of the
 * grid belong to that template and are left alone.
 *
 * @param grid The author's markup.
 * @returns The compiled grid, frozen.
 * @throws {TypeError} If a slot has no name, an unusable name or the name of another slot, or if the markup can't be
 * balanced.
 *
 * @example Usage
 * ```ts
 * import assert from "node:assert/strict";
 * import { type CompiledGrid, compileGrid, newNonce, slotName } from "./grid.ts";
 *
 * const grid: CompiledGrid = compileGrid(`<main><slot name="feed">Loading</slot></main>`);
 * const nonce = newNonce();
 * const slot = `<slot name="${slotName("feed", nonce)}">Loading</slot>`;
 * assert.equal(grid.names.join(), "feed");
 * assert.equal(grid.render(nonce), `<main>${slot}</main>`);
 * ```
 */
export function compileGrid(grid: string): CompiledGrid {
  const compiled = cache.get(grid) ?? compile(grid);
  cache.delete(grid);
  cache.set(grid, compiled);
  if (cache.size > MAX_CACHED) {
    for (const oldest of cache.keys()) {
      cache.delete(oldest);
      break;
    }
  }
  return compiled;
}

/**
 * Names a slot as one response names it, for the grid and for the light child that fills it.
 *
 * @param name The author's name.
 * @param nonce The response's nonce.
 * @returns The value of the slot's `name` and the child's `slot`.
 */
export function slotName(name: string, nonce: string): string {
  return `${name}-${nonce}`;
}

/**
 * Draws a nonce for one response.
 *
 * @returns 128 random bits as 32 hexadecimal digits.
 */
export function newNonce(): string {
  return crypto.getRandomValues(new Uint8Array(16)).toHex();
}

function compile(grid: string): CompiledGrid {
  const markup = balanceMarkup(grid);
  if (grid.includes("<") && markup === escapeText(grid)) {
    throw new TypeError("Cannot compile grid: its markup cannot be balanced");
  }
  const found: string[] = [];
  const texts: string[] = [];
  let from = 0;
  for (const slot of slotsIn(markup)) {
    const name = nameOf(slot);
    if (found.includes(name)) throw new TypeError(`Cannot compile grid: two slots named "${name}"`);
    found.push(name);
    // Balanced markup writes the attribute as name="…"; the nonce goes in front of the closing quote.
    const end = slot.sourceCodeLocation?.attrs?.name?.endOffset;
    if (end === undefined) throw new TypeError(`Cannot compile grid: slot "${name}" has no place`);
    texts.push(markup.slice(from, end - 1));
    from = end - 1;
  }
  const rest = markup.slice(from);
  return Object.freeze({
    names: Object.freeze(found),
    render(nonce: string): string {
      if (!NONCE.test(nonce)) throw new TypeError(`Cannot render grid: nonce is "${nonce}"`);
      let rendered = "";
      for (const text of texts) rendered += slotName(text, nonce); // each text ends in a name
      return rendered + rest;
    },
  });
}

/** The slots in document order, which is also the order of their places in balanced markup. */
function slotsIn(markup: string): Element[] {
  const slots: Element[] = [];
  const { childNodes } = parseFragment(markup, { sourceCodeLocationInfo: true });
  const pending = childNodes.toReversed();
  for (let node = pending.pop(); node; node = pending.pop()) {
    if (!("tagName" in node)) continue;
    if (node.tagName === "slot" && node.namespaceURI === names.NS.HTML) slots.push(node);
    for (const child of node.childNodes.toReversed()) pending.push(child);
  }
  return slots;
}

function nameOf(slot: Element): string {
  const name = slot.attrs.find((attribute) => attribute.name === "name")?.value;
  if (!name) throw new TypeError("Cannot compile grid: a slot has no name");
  if (!SLOT_NAME.test(name)) throw new TypeError(`Cannot compile grid: slot is named "${name}"`);
  return name;
}
