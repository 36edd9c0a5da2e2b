/**
 * What visitors of the atlas see and can do, with script and without.
 *
 * @module
 */

import assert from "node:assert/strict";
import { AXE, lane, runAll } from "./cases.mjs";

const [, , , , ATLAS, FAULTS] = process.argv;
/** Cases of the site as it is. */
const atlas = lane();
/** Cases that set faults, or that a gap on another page would disturb: it changes all pages' tags. */
const faults = lane();

const NARROW = { width: 390, height: 844 };
const WIDE = { width: 1280, height: 900 };

/** What tells that a part is there. */
const CONTENT = {
  world: "svg.map",
  today: 'role=heading[name="Country of the day"]',
  visited: 'role=heading[name="Visited lately"]',
  map: "role=img[name=/^Map of Switzerland/]",
  facts: 'role=heading[name="Facts"]',
  neighbours: 'role=heading[name="Neighbours"]',
  languages: 'role=heading[name="Languages, money and time"]',
  similar: 'role=heading[name="Countries like it"]',
  first: "role=img[name=/^Map of France/]",
  second: "role=img[name=/^Map of Germany/]",
  table: "role=table",
};

/** The places of a page's parts on a wide screen, row by row; on a narrow one each is a row. */
const ROWS = {
  front: [["world"], ["today"]],
  visited: [["world"], ["today", "visited"]],
  country: [["map", "facts"], ["neighbours", "languages"], ["similar"]],
  compare: [["first", "second"], ["table"]],
};

for (const script of [true, false]) {
  const how = script ? "with script" : "without script";

  atlas(`/ shows its parts in their places before anybody has come, ${how}`, async ({ open }) => {
    await assertAllPlaces(await open(ATLAS, { script }), ROWS.front);
  });
}

for (const script of [true, false]) {
  const how = script ? "with script" : "without script";

  atlas(`/country/ch shows its parts in their places, ${how}`, async ({ open }) => {
    await assertAllPlaces(await open(`${ATLAS}country/ch`, { script }), ROWS.country);
  });

  atlas(`/compare/fr/de shows its parts in their places, ${how}`, async ({ open }) => {
    await assertAllPlaces(await open(`${ATLAS}compare/fr/de`, { script }), ROWS.compare);
  });

  atlas(`/ shows what was visited in its place, ${how}`, async ({ open }) => {
    await textOf(`${ATLAS}country/ch`);
    await until(async () => (await textOf(ATLAS)).includes("Visited lately"));
    await assertAllPlaces(await open(ATLAS, { script }), ROWS.visited);
  });

  faults(`a part that fails leaves a note in its place, ${how}`, async ({ open }) => {
    await setFaults({ facts: "throws" });
    const note = "text=/^This part \\(facts\\) cannot be shown now/";
    await assertPlaces(await open(`${FAULTS}country/ch`, { script }), ROWS.country, {
      facts: note,
    });
  });

  faults(`a part that is late holds up no other, and comes, ${how}`, async ({ open }) => {
    await setFaults({ neighbours: "waits" });
    const page = await open(`${FAULTS}country/ch`, { script, waitUntil: "commit" });
    const placeholder = ".grid > .neighbours p";
    for (const name of ["map", "facts", "languages", "similar"]) {
      await page.locator(CONTENT[name]).waitFor();
    }
    assert.ok(await page.locator(placeholder).isVisible(), "no placeholder");
    assert.equal(await page.locator(CONTENT.neighbours).count(), 0);
    await setFaults({});
    await page.locator(CONTENT.neighbours).waitFor();
    await page.waitForLoadState();
    await assertPlaces(page, ROWS.country);
  });

  const broken = {
    comment: "<p>Forged</p><!-- ",
    textarea: "<p>Forged</p><textarea>",
    table: "<p>Forged</p><table><tr><td>",
    template: "<p>Forged</p><template shadowrootmode=open><slot>",
    plaintext: "<p>Forged</p><plaintext>",
    "end tags":
      "</div></div></template></main></body></html><footer>Forged</footer><h2>Forged</h2>",
    slots: '<div slot="facts"><h2>Forged</h2></div></div><div slot="facts">Forged</div>' +
      '<slot name="facts"><b>Forged</b></slot>',
  };
  for (const [kind, markup] of Object.entries(broken)) {
    faults(`a part with broken markup (${kind}) harms no other, ${how}`, async ({ open }) => {
      await setFaults({ map: markup });
      const page = await open(`${FAULTS}country/ch`, { script });
      await assertPlaces(page, ROWS.country, { map: "text=Forged >> nth=0" });
      const place = await boxOf(page.locator(".grid > .map"));
      for (const forged of await page.getByText("Forged").all()) {
        if (await forged.isVisible()) assertInside(await boxOf(forged), place, "what is forged");
      }
      const own = page.getByRole("heading").filter({ hasNotText: "Forged" });
      assert.equal(await own.count(), 5, "headings");
      const footer = await boxOf(page.getByRole("contentinfo").filter({ hasText: "Tandem" }));
      const similar = await boxOf(page.locator(".grid > .similar"));
      assert.ok(footer.y >= similar.y + similar.height, "the footer is not below");
    });
  }

  atlas(`the keyboard reaches the map and skips it, ${how}`, async ({ open }) => {
    const page = await open(ATLAS, { script });
    const skip = await tabTo(page, "Skip the map");
    assert.ok((await boxOf(skip)).width > 50, "the link is not shown when it has the focus");
    await page.keyboard.press("Enter");
    await page.keyboard.press("Tab");
    assert.equal(await page.locator("#all :focus").count(), 1, "the map is not skipped");

    await page.reload();
    const country = await tabTo(page, "Albania");
    const clip = grow(await boxOf(country), 4);
    const focused = await page.screenshot({ clip });
    await page.keyboard.press("Tab");
    assert.notDeepEqual(await page.screenshot({ clip }), focused, "the focus is not visible");
    await page.keyboard.press("Shift+Tab");
    await page.keyboard.press("Enter");
    await page.waitForURL(`${ATLAS}country/al`);
    assert.equal(await page.title(), "Albania – Atlas");
  });

  atlas(`a search finds what is nearly written, ${how}`, async ({ open }) => {
    const page = await open(ATLAS, { script });
    await page.getByRole("searchbox").click();
    await page.keyboard.type("germny");
    await page.keyboard.press("Enter");
    await page.waitForURL(`${ATLAS}search?q=germny`);
    await page.getByRole("main").getByRole("link", { name: "Germany" }).click();
    await page.waitForURL(`${ATLAS}country/de`);
    assert.equal(await page.title(), "Germany – Atlas");
  });

  atlas(`a search that finds nothing says so, ${how}`, async ({ open }) => {
    const page = await open(`${ATLAS}search?q=qqqqqq`, { script });
    await page.getByText("No country or capital is called so").waitFor();
    assert.equal(await page.getByRole("searchbox").inputValue(), "qqqqqq");
  });

  atlas(`a page that is not there suggests others, ${how}`, async ({ open, complaints }) => {
    const page = await open(`${ATLAS}country/germny`, { script });
    await page.getByRole("main").getByRole("link", { name: "Germany" }).waitFor();
    assert.match(complaints.pop(), /status of 404/);
  });
}

const pages = {
  "/": ATLAS,
  "/country/ch": `${ATLAS}country/ch`,
  "/country/fj": `${ATLAS}country/fj`,
  "/country/us": `${ATLAS}country/us`,
  "/compare/fr/de": `${ATLAS}compare/fr/de`,
  "/search": `${ATLAS}search?q=guinea`,
  "/search for a long word": `${ATLAS}search?q=${"W".repeat(100)}`,
  "the 404": `${ATLAS}country/germny`,
  "a page with a gap": `${FAULTS}country/ch`,
};
for (const [name, url] of Object.entries(pages)) {
  const run = url.startsWith(FAULTS) ? faults : atlas;
  run(`${name} is accessible, light and dark, narrow and wide`, async ({ open, complaints }) => {
    if (run === faults) await setFaults({ facts: "throws" });
    const page = await open(url, { bypassCSP: true }); // the policy allows no script, and axe is one
    if (name === "the 404") complaints.pop();
    await page.addScriptTag({ path: AXE });
    for (const viewport of [NARROW, WIDE]) {
      await page.setViewportSize(viewport);
      for (const colorScheme of ["light", "dark"]) {
        await page.emulateMedia({ colorScheme });
        assert.deepEqual(await axeFindings(page), [], `${viewport.width} ${colorScheme}`);
      }
    }
  });

  run(`${name} never scrolls sideways`, async ({ open, complaints }) => {
    if (run === faults) await setFaults({ facts: "throws" });
    const page = await open(url);
    if (name === "the 404") complaints.pop();
    const devtools = await page.context().newCDPSession(page);
    for (const width of [360, 390, 768, 1280, 1920]) {
      await page.setViewportSize({ width, height: 900 });
      const { cssContentSize } = await devtools.send("Page.getLayoutMetrics");
      assert.ok(cssContentSize.width <= width, `${cssContentSize.width} wide at ${width}`);
    }
  });
}

atlas("/country/ch prints its map and no form", async ({ open }) => {
  const page = await open(`${ATLAS}country/ch`);
  await page.emulateMedia({ media: "print" });
  assert.equal(await page.getByRole("search").isVisible(), false);
  assert.ok(await page.locator(CONTENT.map).isVisible());
});

faults("a page that is known costs one question, and its style none", async ({ open }) => {
  const page = await open(`${ATLAS}country/ch`);
  const devtools = await page.context().newCDPSession(page);
  await devtools.send("Network.enable");
  const urls = new Map();
  const statuses = new Map(); // of the requests that went out; Playwright shows a 304 as what it led to
  devtools.on("Network.requestWillBeSent", ({ requestId, request }) => {
    urls.set(requestId, request.url);
  });
  devtools.on("Network.responseReceivedExtraInfo", ({ requestId, statusCode }) => {
    statuses.set(requestId, statusCode);
  });
  const minute = () => Math.floor(Date.now() / 60_000);
  let since;
  do { // again if a minute has passed: the page shows the time, and is another one then
    since = minute();
    await page.goto(`${ATLAS}country/ch`);
    urls.clear();
    await page.goto(`${ATLAS}country/ch`);
  } while (since !== minute());
  const [[document], [style], ...more] = urls;
  assert.equal(statuses.get(document), 304);
  assert.match(urls.get(style), /style\.css/);
  assert.equal(statuses.has(style), false, "the style sheet was asked for");
  assert.deepEqual(more, []);
});

await runAll();

/** Says what is wrong with which parts of the second site, and that nothing else is. */
async function setFaults(faults) {
  await textOf(`${FAULTS}faults`, { method: "POST", body: JSON.stringify(faults) });
}

async function textOf(url, init) {
  return await (await fetch(url, init)).text(); // an answer that is not read would keep Node alive
}

/** Checks the places on a wide screen and on a narrow one. */
async function assertAllPlaces(page, rows) {
  await assertPlaces(page, rows);
  await page.setViewportSize(NARROW);
  await assertPlaces(page, rows.flat().map((name) => [name]));
}

/** Checks that each part is seen in its place, and no placeholder; `others` replaces what tells so. */
async function assertPlaces(page, rows, others = {}) {
  let bottom = 0;
  for (const names of rows) {
    const places = [];
    for (const name of names) {
      const place = await boxOf(page.locator(`.grid > .${name}`));
      const content = page.locator(others[name] ?? CONTENT[name]);
      assert.ok(await content.isVisible(), `${name} is not to be seen`);
      assertInside(await boxOf(page.locator("[slot]", { has: content }).first()), place, name);
      assert.ok(place.y >= bottom, `${name} is too high`);
      const before = places.at(-1);
      if (before) assert.ok(place.x >= before.x + before.width, `${name} is too far left`);
      places.push(place);
    }
    bottom = Math.max(...places.map(({ y, height }) => y + height));
  }
  const placeholders = page.locator(".grid slot > *").filter({ visible: true });
  assert.deepEqual(await placeholders.allTextContents(), [], "placeholders");
}

function assertInside(inner, outer, what) {
  const { x, y, width, height } = grow(outer, 1); // fractions of a pixel
  const isInside = inner.x >= x && inner.y >= y && inner.x + inner.width <= x + width &&
    inner.y + inner.height <= y + height;
  assert.ok(isInside, `${what} is not in its place: ${JSON.stringify({ inner, outer })}`);
}

function grow({ x, y, width, height }, by) {
  return { x: x - by, y: y - by, width: width + 2 * by, height: height + 2 * by };
}

async function boxOf(locator) {
  const box = await locator.boundingBox();
  assert.ok(box !== null && box.width > 0 && box.height > 0, `${locator} takes no room`);
  return box;
}

/** Presses a key until the focus is on a link of this name, and returns the link. */
async function tabTo(page, name, key = "Tab") {
  const focused = page.locator(":focus");
  for (let presses = 0; presses < 60; presses++) {
    await page.keyboard.press(key);
    if ((await focused.textContent()).trim() === name) return focused;
  }
  assert.fail(`the keyboard does not reach "${name}"`);
}

async function axeFindings(page) {
  const { violations } = await page.evaluate(() =>
    globalThis.axe.run({ resultTypes: ["violations"] })
  );
  return violations.filter(({ impact }) => impact === "serious" || impact === "critical")
    .map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html.slice(0, 200)).join(" | ")}`);
}

async function until(holds) {
  for (const since = Date.now(); !await holds();) {
    assert.ok(Date.now() - since < 10_000, `never came true: ${holds}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
