/**
 * Compiling slot grids: names, placeholders, refusals and the cache.
 *
 * @module
 */

import assert from "node:assert/strict";
import { compileGrid, newNonce, slotName } from "../../../runtime/pagelet/grid.ts";

Deno.test("a grid renders its slots under the names of one response", () => {
  const grid = compileGrid(
    `<main class=x><slot name="feed"></slot><slot id=s name=ads-2></slot></main>`,
  );
  assert.deepEqual(grid.names, ["feed", "ads-2"]);
  assert.equal(
    grid.render("7f"),
    `<main class="x"><slot name="feed-7f"></slot><slot id="s" name="ads-2-7f"></slot></main>`,
  );
  assert.equal(grid.render("80"), grid.render("7f").replaceAll("-7f", "-80"));
  assert.ok(grid.render("80").includes(`name="${slotName("feed", "80")}"`));
});

Deno.test("a slot keeps its placeholder", () => {
  const grid = compileGrid(`<slot name=a>Wait for <b title="name=&quot;a&quot;">a</b></slot>`);
  assert.equal(
    grid.render("n"),
    `<slot name="a-n">Wait for <b title="name=&quot;a&quot;">a</b></slot>`,
  );
});

Deno.test("a grid is balanced", () => {
  const grid = compileGrid(`</template><p><slot name=a><div><slot name=b>\r\n<!-- `);
  assert.deepEqual(grid.names, ["a", "b"]);
  assert.equal(
    grid.render("n"),
    `<p><slot name="a-n"></slot></p><div><slot name="b-n">\n<!-- --></slot></div>`,
  );
});

Deno.test("what only looks like a slot is left alone", () => {
  const markup = `<!--<slot name="c"></slot>--><style>slot[name="a"] { color: red }</style>` +
    `<svg><slot></slot></svg><template><slot name="a"></slot></template><slot name="a"></slot>`;
  const grid = compileGrid(markup);
  assert.deepEqual(grid.names, ["a"]);
  assert.equal(grid.render("n"), markup.replace(/"a"><\/slot>$/, `"a-n"></slot>`));
});

Deno.test("a grid without slots renders as it is", () => {
  assert.deepEqual(compileGrid("").names, []);
  assert.equal(compileGrid("plain").render("n"), "plain");
});

Deno.test("slots without a usable name of their own are refused", () => {
  const refused: [string, RegExp][] = [
    ["<slot></slot>", /a slot has no name/],
    ["<slot name=''></slot>", /a slot has no name/],
    ["<slot name=1a></slot>", /named "1a"/],
    ["<slot name='a b'></slot>", /named "a b"/],
    ["<slot name='a\n'></slot>", /named "a\n"/],
    ["<slot name=a></slot><div><slot name=a></slot></div>", /two slots named "a"/],
    ["<div>".repeat(1_000) + "<slot name=a></slot>", /cannot be balanced/],
  ];
  for (const [grid, message] of refused) {
    assert.throws(() => compileGrid(grid), { name: "TypeError", message });
  }
});

Deno.test("a nonce is made of digits and letters", () => {
  const grid = compileGrid("<slot name=a></slot>");
  for (const nonce of ["", `"><script>`, "a-b", "a\n"]) {
    assert.throws(() => grid.render(nonce), { name: "TypeError", message: /nonce/ });
  }
  assert.match(newNonce(), /^[0-9a-f]{32}$/);
  assert.equal(new Set(Array.from({ length: 100 }, newNonce)).size, 100);
  assert.ok(grid.render(newNonce()).startsWith(`<slot name="a-`));
});

Deno.test("the cache keeps the grids that were last asked for", () => {
  const first = compileGrid("<slot name=first></slot>");
  for (let i = 0; i < 63; i++) compileGrid(`<slot name=other${i}></slot>`);
  assert.equal(compileGrid("<slot name=first></slot>"), first);
  for (let i = 0; i < 63; i++) compileGrid(`<slot name=new${i}></slot>`);
  assert.equal(compileGrid("<slot name=first></slot>"), first);
  for (let i = 0; i < 64; i++) compileGrid(`<slot name=newer${i}></slot>`);
  assert.notEqual(compileGrid("<slot name=first></slot>"), first);
});
