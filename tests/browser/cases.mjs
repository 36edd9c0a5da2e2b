/**
 * Runs cases in one Chromium, each with visitors of its own, and prints a line of JSON for each.
 * Plain Node, since Playwright does not load under the scoped permissions of the tests.
 *
 * @module
 */

import assert from "node:assert/strict";
import { createRequire } from "node:module";

const [, , executablePath, packages] = process.argv;
const require = createRequire(`${packages}/`);

/** Where axe is, for pages to load. */
export const AXE = require.resolve("axe-core/axe.min.js");

const TIMEOUT_MS = 10_000;
const lanes = [];

/**
 * Makes a lane, a function that enters a case: lanes run side by side, the cases of one in turn.
 *
 * A case gets `open(url, options)`, which opens a page for a visitor without a past, and `complaints`,
 * what the browser has objected to: it takes out those that it expects.
 */
export function lane() {
  const cases = [];
  lanes.push(cases);
  return (name, run) => void cases.push({ name, run });
}

/** Runs what has been entered. */
export async function runAll() {
  const browser = await require("playwright-core").chromium.launch({ executablePath });
  try {
    const devtools = await browser.newBrowserCDPSession();
    const { processInfo } = await devtools.send("SystemInfo.getProcessInfo");
    print({ browser: processInfo.find(({ type }) => type === "browser").id });
    await Promise.all(lanes.map(async (cases) => {
      for (const { name, run } of cases) {
        const since = performance.now();
        const error = await failure(browser, run);
        print({ name, ok: error === undefined, error, ms: Math.round(performance.now() - since) });
      }
    }));
  } finally {
    await browser.close();
  }
}

async function failure(browser, run) {
  const contexts = [];
  const complaints = [];
  async function open(url, { waitUntil = "load", script = true, ...options } = {}) {
    const viewport = { width: 1280, height: 900 };
    const context = await browser.newContext({ viewport, javaScriptEnabled: script, ...options });
    contexts.push(context);
    context.setDefaultTimeout(TIMEOUT_MS);
    context.on("console", (message) => {
      if (message.type() === "error") {
        complaints.push(`${message.text()} ${message.location().url}`);
      }
    });
    context.on("weberror", (error) => complaints.push(String(error.error())));
    context.on("requestfailed", (request) => complaints.push(`No answer: ${request.url()}`));
    const page = await context.newPage();
    await page.goto(String(url), { waitUntil });
    return page;
  }
  try {
    await run({ open, complaints });
    assert.deepEqual(complaints, [], "the browser complained");
  } catch (error) {
    return error.stack;
  } finally {
    for (const context of contexts) await context.close();
  }
}

function print(line) {
  console.log(JSON.stringify(line));
}
