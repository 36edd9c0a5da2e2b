/**
 * Balancing: known tricks, random soup against a page with two slots, and the bounds on depth and time.
 *
 * @module
 */

import assert from "node:assert/strict";
import { type DefaultTreeAdapterTypes, parse, serialize } from "../../../runtime/deps/parse5.ts";
import { balanceMarkup, escapeText } from "../../../runtime/pagelet/balance.ts";

const SHELL = `<!DOCTYPE html><html><head></head><body><div id="host">` +
  `<template shadowrootmode="open"><slot name="x"></slot><slot name="y"></slot></template>`;
const REST = `<div id="sentinel">a<form></form></div></div><footer>b</footer></body></html>`;

/** What soup is made of: openers, closers, quotes, and whatever switches the parser's mode. */
const TOKENS = (
  "<!-- --> --!> <!--> <!---> <!- <? </ < > ' \" = / & &lt; &#13; &#10; <![CDATA[ ]]> <!doctype> \0 \n \n\n \r x y=1 " +
  "<a <a> <a\thref=1> <b> <b\tid=1> <i> <nobr> <font\tsize=1> <code> <p> <div> <li> <ul> <dd> <dt> <h1> <h2> <br> " +
  "<hr> <img\tsrc=\" <img\tsrc=' <image> <isindex> <input> <button> <form> <form\tid=f> <label> <marquee> <object> " +
  "<pre> <listing> <textarea> <title> <xmp> <iframe> <noembed> <noframes> <noscript> <plaintext> <style> <script> " +
  "<script>//<!-- <script>// <noscript\ttitle='</noscript><!--'> <p\ttitle=\"</noscript><div>\"> <ruby> <rt> <rb> " +
  "<table> <caption> <colgroup> <col> <tbody> <tr> <td> <th> <select> <option> <optgroup> <template> " +
  "<template\tshadowrootmode=open> <template\tfor=x> <slot> <slot\tname=x> <div\tslot=y> <div\tid=sentinel> <html> <html\tid=z> <head> " +
  "<body> <body\tid=z> <frameset> <frame> <base> <meta> <link> <svg> <g/> <foreignObject> <desc> <svg><style> " +
  "<svg><title> <svg></p> <math> <mi> <mtext> <mglyph> <malignmark> <annotation-xml> " +
  "<annotation-xml\tencoding=text/html> <font\tcolor=1> <x-y> <details> <summary>"
).split(" ");
const CLOSERS = TOKENS.flatMap((token) => {
  const name = /^<([\w-]+)/.exec(token)?.[1];
  return name ? [`</${name}>`] : [];
});

Deno.test("markup that is left open is closed", () => {
  const closed: [string, string][] = [
    ["<!-- a", "<!-- a-->"],
    ["<textarea>a</div>", "<textarea>a&lt;/div&gt;</textarea>"],
    ["<title>a", "<title>a</title>"],
    ["<table><tr><td>a", "<table><tbody><tr><td>a</td></tr></tbody></table>"],
    ["<template><b>a", "<template><b>a</b></template>"],
    ["<select><option>a", "<select><option>a</option></select>"],
    ["a<p title='b>c", "a"],
    ["a<p", "a"],
    ["<svg><![CDATA[a<b", "<svg>a&lt;b</svg>"],
    ["<script><!--<script>", "<script><!--<script></script></script>"],
    ["<plaintext>a</plaintext>", "<pre>a&lt;/plaintext&gt;</pre>"],
  ];
  for (const [html, expected] of closed) assert.equal(balanceMarkup(html), expected);
});

Deno.test("markup that belongs elsewhere is dropped", () => {
  assert.equal(balanceMarkup("</div></div></body></html><p>a"), "<p>a</p>");
  assert.equal(balanceMarkup("<html id=a><body id=b><frameset><td>a"), "a");
  assert.equal(balanceMarkup("<noscript><p title='</noscript><script>'></p></noscript>a"), "a");
  assert.equal(
    balanceMarkup("<template><noscript>a</noscript>b</template>"),
    "<template>b</template>",
  );
  assert.equal(
    balanceMarkup(
      `<?start name=a><?end><template for=a id=b><template for=a></template></template>`,
    ),
    `<!--?start name=a--><!--?end--><template id="b"><template></template></template>`,
  );
  assert.equal(balanceMarkup("<noembed>a</noembed><noframes>b</noframes>c"), "c");
});

Deno.test("sound markup keeps its meaning", () => {
  const kept = [
    "",
    "a > b &amp c\r\n",
    `<p class="a">One <b>two</b> <a href="/?a=1&amp;b=2">three</a></p><!-- four --><br>`,
    "<pre>\n\n\n\n\n\n\n\n\n\na</pre><textarea>\n\nb</textarea><listing>\n\nc</listing>",
    "<script>if (a < b && c) d('<p>');</script><style>a > b {}</style>",
    `<svg viewBox="0 0 1 1"><path d="M0 0"></path></svg><math><mi>x</mi></math>`,
    `<div><template shadowrootmode="open"><slot></slot></template>a</div>`,
  ];
  for (const html of kept) assert.equal(balanceMarkup(html), html);
});

Deno.test("text is escaped between tags and in attributes", () => {
  assert.equal(escapeText(`<a title="&'">`), "&lt;a title=&quot;&amp;&#39;&quot;&gt;");
  assert.equal(escapeText("plain"), "plain");
});

Deno.test("markup that never settles becomes text", () => {
  // The end tag of the outer element opens another script inside the script, however often one is closed.
  const html = "<a<script><script><!--<script>";
  assert.equal(balanceMarkup(html), escapeText(html));
});

Deno.test("random soup stays in its slot", () => {
  const random = mulberry32(23);
  let escaped = 0;
  for (let i = 0; i < 4_000; i++) {
    const html = soup(random, 1 + Math.floor(random() * 14));
    const first = balanceMarkup(html);
    const second = balanceMarkup(soup(random, 4));
    if (first === escapeText(html) && first !== html) escaped++;
    else assert.equal(balanceMarkup(first), first, JSON.stringify(html));
    assertConfined(first, second, html);
  }
  assert.ok(escaped < 40, `${escaped} of 4000 did not settle`);
});

Deno.test("the check on soup finds an escape", () => {
  for (
    const html of ["</div>", "<!--", "<b>", "<p><i></p>", "<plaintext>", "<html id=a>", "<form>"]
  ) {
    assert.throws(() => assertConfined(html, "", html), { name: "AssertionError" });
  }
  const split = "<noscript><p title='</noscript></div>'></p></noscript>";
  assert.throws(() => assertConfined(split, "", split), { name: "AssertionError" });
});

Deno.test("what nests too deep becomes text, at once", () => {
  for (
    const tag of ["<div>", "<b>", "<template>", "<svg>", "<table><td>", "<b><div>", "<object>"]
  ) {
    const html = tag.repeat(100_000);
    assert.ok(balanceMarkup(html) === escapeText(html), tag);
    assertLinear("", tag, 1_000, 100_000);
    const shallow = tag.repeat(40);
    assert.notEqual(balanceMarkup(shallow), escapeText(shallow));
  }
});

Deno.test("markup that multiplies becomes text", () => {
  const open = Array.from({ length: 100 }, (_, i) => `<b id=${i}>`).join("");
  for (const start of [open, `<b title=${"a".repeat(100_000)}>`]) {
    const html = `<p>${start}${"<p>a".repeat(20_000)}`;
    assert.ok(balanceMarkup(html) === escapeText(html), html.slice(0, 30));
  }
});

Deno.test("time grows with length, not with its square", () => {
  const random = mulberry32(5);
  const attributes = Array.from({ length: 600 }, (_, i) => `a${i}`).join(" ");
  const units = ["<br>", "<p>a<b>", "</p>", "<a>", "<table><a><td></a>", "<svg></p>", "<li>a", "&"];
  units.push(soup(random, 300), `<p ${attributes}>`);
  for (const prefix of ["<p>", "<table>", "<b><i><p>"]) {
    for (const unit of units) {
      const count = Math.ceil(4_096 / unit.length);
      assertLinear(prefix, unit, count, 32 * count);
    }
  }
  assertLinear("", soup(random, 2_000).slice(0, 2_048), 16, 512);
});

/** Fails if, in each of five tries, the longer markup takes eight times what its length explains. */
function assertLinear(prefix: string, unit: string, from: number, to: number): void {
  const [short, long] = [prefix + unit.repeat(from), prefix + unit.repeat(to)];
  const limit = 8 * (to / from) * (Math.min(...[1, 2, 3].map(() => timed(short))) + 0.1);
  let best = Infinity;
  for (let i = 0; i < 5 && best >= limit; i++) best = Math.min(best, timed(long));
  assert.ok(best < limit, `${prefix}${unit.slice(0, 20)}: ${best} ms, limit ${limit} ms`);
}

/** Fails unless both pagelets stay where they were put, for readers with and without scripting. */
function assertConfined(first: string, second: string, message: string): void {
  const page = `${SHELL}<div slot="x">${first}</div><div slot="y">${second}</div>${REST}`;
  for (const scriptingEnabled of [true, false]) {
    const document = parse(page, { scriptingEnabled });
    const host = child(child(child(document, 1), 1), 0);
    for (const index of [1, 2]) child(host, index).childNodes = [];
    const left = serialize(document);
    assert.equal(left, `${SHELL}<div slot="x"></div><div slot="y"></div>${REST}`, message);
  }
}

function child(
  parent: DefaultTreeAdapterTypes.ParentNode,
  index: number,
): DefaultTreeAdapterTypes.ParentNode {
  const node = parent.childNodes[index];
  assert.ok(node && "childNodes" in node, "an element is missing");
  return node;
}

function soup(random: () => number, tokens: number): string {
  let html = "";
  for (let i = 0; i < tokens; i++) {
    const from = random() < 0.7 ? TOKENS : CLOSERS;
    html += from[Math.floor(random() * from.length)];
    if (random() < 0.3) html += random() < 0.5 ? " " : "x";
  }
  return html;
}

function timed(html: string): number {
  const started = performance.now();
  balanceMarkup(html);
  return performance.now() - started;
}

/** A small seeded generator of numbers from 0 to 1. */
function mulberry32(seed: number): () => number {
  return () => {
    seed = (seed + 0x6d2b79f5) | 0;
    let t = Math.imul(seed ^ (seed >>> 15), 1 | seed);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
}
