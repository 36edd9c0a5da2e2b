/**
 * Boots small sites behind real HTTP, and lets a test run inside one of their pages.
 *
 * @module
 */

import assert from "node:assert/strict";
import {
  createSite,
  type Log,
  serve,
  type SiteOptions,
  type TandemVariables,
} from "../../../mod.ts";
import type { Site } from "../../../runtime/site.ts";

/** A line that a box has written. */
export interface LogLine {
  level: string;
  message: string;
  fields: Record<string, unknown>;
}

/** A log that keeps its lines. */
export function recordLog(): Log & { lines: LogLine[] } {
  const lines: LogLine[] = [];
  const at = (level: string) => (message: string, fields: Record<string, unknown> = {}) => {
    lines.push({ level, message, fields });
  };
  return { lines, debug: at("debug"), info: at("info"), warn: at("warn"), error: at("error") };
}

/** Waits until something holds. */
export async function until(holds: () => unknown, what = String(holds)): Promise<void> {
  for (let turns = 0; !await holds(); turns++) {
    assert.ok(turns < 4000, `never came true: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 3));
  }
}

/** Where a fixture document is. */
export function fixture(path: string): URL {
  return new URL(`../../sites/${path}`, import.meta.url);
}

/** What {@linkcode open} adds to a box. */
export type Opened = Awaited<ReturnType<typeof open>>;

/**
 * Serves a site on a free port, its store in memory. `run` runs a function inside a page and brings
 * what it returns or throws.
 */
export async function open(options: SiteOptions, prepare: (site: Site) => void = () => {}) {
  const log = recordLog();
  const site = createSite({ store: { url: ":memory:" }, ...options });
  const works = new Map<string, (variables: TandemVariables) => Promise<unknown>>();
  let next = 1;
  site.app.post("/run/:id", async (c) => {
    await works.get(c.req.param("id"))!(c.var as TandemVariables);
    return c.text("over");
  });
  prepare(site);
  const box = await serve(site, { port: 0, log });

  async function run<T>(work: (variables: TandemVariables) => T | Promise<T>): Promise<T> {
    const id = String(next++);
    let outcome: { value: T } | { error: unknown } | undefined;
    works.set(id, async (variables) => {
      try {
        outcome = { value: await work(variables) };
      } catch (error) {
        outcome = { error };
      }
    });
    const response = await fetch(new URL(`/run/${id}`, box.url), { method: "POST" });
    await response.body?.cancel();
    assert.ok(outcome !== undefined, "the page did not run");
    if ("error" in outcome) throw outcome.error;
    return outcome.value;
  }

  const pool = (name = "pagelets") => box.status().pools[name]!;
  return {
    box,
    url: (path: string) => new URL(path, box.url),
    get: async (path: string, init?: RequestInit) => {
      const response = await fetch(new URL(path, box.url), init);
      return { status: response.status, headers: response.headers, text: await response.text() };
    },
    log,
    run,
    pool,
    /** Waits until a worker or page has logged this message. */
    logged: (message: string, count = 1) =>
      until(
        () => log.lines.filter((line) => line.message === message).length >= count,
        `log line "${message}" in ${Deno.inspect(log.lines.slice(-20))}`,
      ),
    /** Waits until no worker is busy, nothing is queued and no request is under way. */
    quiet: () =>
      until(() => {
        const { pools, activeRequests } = box.status();
        return activeRequests === 0 &&
          Object.values(pools).every(({ busy, queued }) => busy === 0 && queued === 0);
      }, "quiet"),
    [Symbol.asyncDispose]: () => box.drain(),
  };
}
