/**
 * Makes a pagelet's markup safe to stand between other markup: whatever it holds, it closes what it opens, and a
 * browser that reads it inside a slot ends up in the state in which it entered, with scripting on or off.
 *
 * It confines markup, not behaviour: scripts, styles, `<base>` and `<meta>` are kept and act on the whole page. Keeping
 * those out is the business of a content security policy or a sanitizer.
 *
 * @module
 */

import {
  defaultTreeAdapter,
  type DefaultTreeAdapterMap,
  type DefaultTreeAdapterTypes,
  html as names,
  parse,
  parseFragment,
  serialize,
  type TreeAdapter,
} from "../deps/parse5.ts";

type ParentNode = DefaultTreeAdapterTypes.ParentNode;

/** Open elements at once. Firefox moves what is deeper than 200, Chromium what is deeper than 512. */
const MAX_DEPTH = 180;
/** Rounds of parsing and serializing in which markup has to settle; one or two do, but for rare soup. */
const MAX_ROUNDS = 6;

/** Their content is text to some readers and markup to others. */
const DROPPED: ReadonlySet<string> = new Set(["noscript", "noembed", "noframes"]);
/** A parser skips one newline behind these start tags, so one that counts is written twice. */
const SKIPS_NEWLINE: ReadonlySet<string> = new Set(["pre", "textarea", "listing"]);
const ESCAPES: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
};

// A page around a slot. The text and the form behind the slot show formatting or a form that is still open there.
const BEFORE = "<!doctype html><body><div><div slot=x>";
const AFTER = "</div><div>x<form></form></div></div>";
const AROUND = "<!DOCTYPE html><html><head></head><body>" +
  '<div><div slot="x"></div><div>x<form></form></div></div></body></html>';

/**
 * Rewrites markup so that it can neither leave the element it is put into, nor take in what follows, nor change how
 * that is read.
 *
 * The markup is parsed as the content of a `div` and written out again until a parser that meets the result inside a
 * page reads exactly that result and the page around it unharmed. `noscript`, `noembed`, `noframes` and a template's
 * `for` are removed, `plaintext` becomes `pre`, `<?…>` a comment; comments, scripts and styles stay. Markup without a `<` is returned as it is. Markup that
 * doesn't settle, nests deeper than 180 elements, or grows out of proportion while being repaired comes back as
 * {@linkcode escapeText} gives it. It never throws, and takes time proportional to the markup's length.
 *
 * @param html The markup, of any kind and origin.
 * @returns Markup to be placed inside a `div` in the body.
 *
 * @example Usage
 * ```ts
 * import assert from "node:assert/strict";
 * import { balanceMarkup, escapeText } from "./balance.ts";
 *
 * const markup = `<ul><li>${escapeText("a < b")}</div><!-- `;
 * assert.equal(balanceMarkup(markup), "<ul><li>a &lt; b<!-- --></li></ul>");
 * ```
 */
export function balanceMarkup(html: string): string {
  if (!html.includes("<")) return html;
  const effort = 8 * html.length + 16_384;
  try {
    let markup = html;
    for (let round = 0; round < MAX_ROUNDS; round++) {
      markup = normalize(markup, effort);
      if (holds(markup, effort)) return markup;
    }
    return escapeText(html);
  } catch {
    return escapeText(html);
  }
}

/**
 * Escapes text so that HTML shows it as it is, between tags and inside a quoted attribute.
 *
 * @param text Any text.
 * @returns The text with `&`, `<`, `>` and both quotes written as character references.
 */
export function escapeText(text: string): string {
  return text.replace(/[&<>"']/g, escapeCharacter);
}

function escapeCharacter(character: string): string {
  return ESCAPES[character] ?? character;
}

/** One round: what the markup means inside a `div`, written out. */
function normalize(markup: string, effort: number): string {
  const treeAdapter = boundedAdapter(effort);
  const context = treeAdapter.createElement("div", names.NS.HTML, []);
  return write(parseFragment(context, markup, { treeAdapter, scriptingEnabled: false }));
}

/** Whether the markup reads back unchanged from a slot and leaves no trace outside it. */
function holds(markup: string, effort: number): boolean {
  // A parser looks at its scripting flag for this element only.
  return holdsWith(false, markup, effort) &&
    (!/<noscript/i.test(markup) || holdsWith(true, markup, effort));
}

function holdsWith(scriptingEnabled: boolean, markup: string, effort: number): boolean {
  const page = parse(BEFORE + markup + AFTER, {
    treeAdapter: boundedAdapter(effort),
    scriptingEnabled,
  });
  const body = childAt(childAt(page, 1), 1);
  const slot = childAt(childAt(body, 0), 0);
  if (!slot || write(slot) !== markup) return false;
  slot.childNodes = [];
  return serialize(page) === AROUND;
}

function childAt(parent: ParentNode | undefined, index: number): ParentNode | undefined {
  const child = parent?.childNodes[index];
  return child && "childNodes" in child ? child : undefined;
}

/** Serializes what the node holds, after changing all that can't be written as it is. */
function write(root: ParentNode): string {
  const pending = [root];
  for (let parent = pending.pop(); parent; parent = pending.pop()) {
    if (parent.childNodes.some(isDropped)) {
      parent.childNodes = parent.childNodes.filter((node) => !isDropped(node));
    }
    for (const node of parent.childNodes) {
      if (!("tagName" in node)) continue;
      if (node.namespaceURI === names.NS.HTML) rewrite(node);
      pending.push("content" in node ? node.content : node);
    }
  }
  return serialize(root);
}

function isDropped(node: DefaultTreeAdapterTypes.ChildNode): boolean {
  return DROPPED.has(node.nodeName);
}

function rewrite(element: DefaultTreeAdapterTypes.Element): void {
  if (element.tagName === "plaintext") element.tagName = element.nodeName = "pre";
  if (element.tagName === "template" && element.attrs.some(isFor)) {
    element.attrs = element.attrs.filter((attribute) => !isFor(attribute));
  }
  if (!SKIPS_NEWLINE.has(element.tagName)) return;
  const first = element.childNodes.find((node) => !isDropped(node));
  if (first && "value" in first && first.value.startsWith("\n")) first.value = `\n${first.value}`;
}

/** `<template for="…">` patches other parts of a page in Chromium 148 and later. */
function isFor({ name }: { name: string }): boolean {
  return name === "for";
}

/**
 * A tree adapter that gives up on markup that nests too deep or makes the parser work out of proportion: a handful of
 * unclosed formatting elements is copied into every paragraph that follows. Effort counts characters to be written.
 */
function boundedAdapter(effort: number): TreeAdapter<DefaultTreeAdapterMap> {
  let depth = 0;
  let left = effort;

  function spend(cost: number): void {
    left -= cost;
    if (left < 0) throw new RangeError("Cannot balance markup: it grows out of proportion");
  }

  function spendOnSearch({ childNodes }: ParentNode, node: DefaultTreeAdapterTypes.Node): void {
    spend(childNodes.at(-1) === node ? 1 : 1 + childNodes.length / 16);
  }

  return {
    ...defaultTreeAdapter,
    onItemPush() {
      depth++;
      if (depth > MAX_DEPTH) {
        throw new RangeError(`Cannot balance markup: it nests deeper than ${MAX_DEPTH}`);
      }
    },
    onItemPop() {
      depth--;
    },
    createElement(tagName, namespace, attributes) {
      let size = 2 * tagName.length + 5;
      for (const { name, value } of attributes) size += name.length + value.length + 4;
      spend(size);
      return defaultTreeAdapter.createElement(tagName, namespace, attributes);
    },
    appendChild(parent, node) {
      spend(1);
      defaultTreeAdapter.appendChild(parent, node);
    },
    insertBefore(parent, node, reference) {
      spendOnSearch(parent, reference);
      defaultTreeAdapter.insertBefore(parent, node, reference);
    },
    insertTextBefore(parent, text, reference) {
      spendOnSearch(parent, reference);
      defaultTreeAdapter.insertTextBefore(parent, text, reference);
    },
    detachNode(node) {
      const parent = defaultTreeAdapter.getParentNode(node);
      if (parent) spendOnSearch(parent, node);
      defaultTreeAdapter.detachNode(node);
    },
  };
}
