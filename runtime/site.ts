/**
 * A site as a value: options in, an app and a `fetch` out. Making one starts nothing.
 *
 * @module
 */

import { Hono } from "./deps/hono.ts";
import { Box, type SiteDefinition } from "./box/box.ts";
import { standardLog } from "./box/lifecycle.ts";
import { messageOf } from "./errors.ts";
import { type ResolvedOptions, resolveOptions } from "./options.ts";
import type { TandemEnv } from "./types/document.ts";
import type { SiteOptions } from "./types/site.ts";

/** What {@linkcode createSite} returns; a default export of it can be served by `deno serve`. */
export interface Site extends SiteDefinition {
  /** The options, checked and filled in. */
  readonly options: ResolvedOptions;
  /** A Hono app for routes of the site's own, which run in the entry and before the pages document's. */
  readonly app: Hono<TandemEnv>;
  /**
   * Answers a request. The first one boots the box, and requests that come meanwhile wait for the same
   * boot; when it fails they are answered with 503, and a later request tries again.
   */
  fetch(request: Request, info?: object): Promise<Response>;
}

/**
 * Describes a site and checks the description; nothing is started or loaded.
 *
 * @throws {TypeError} If an option is unknown or of the wrong type; the message names it, what was given
 * and what is allowed.
 * @throws {RangeError} If a number is out of range.
 *
 * @example Usage
 * ```ts
 * import assert from "node:assert/strict";
 * import { createSite } from "@tandem/tandem";
 *
 * const site = createSite({ name: "hello", store: { url: ":memory:" } });
 * site.app.get("/hello", (c) => c.text("hello"));
 * assert.equal(site.options.name, "hello");
 * ```
 */
export function createSite(options: SiteOptions = {}): Site {
  const resolved = resolveOptions(options);
  const app = new Hono<TandemEnv>();
  let answersErrors = false;
  const { notFound, onError } = app;
  app.notFound = (handler) => (answersErrors = true, notFound(handler));
  app.onError = (handler) => (answersErrors = true, onError(handler));
  let booting: Promise<Box | undefined> | undefined;
  const site: Site = {
    options: resolved,
    app,
    get answersErrors() {
      return answersErrors;
    },
    fetch: async (request, info) => {
      booting ??= Box.boot(site, { log: standardLog() }).catch((error) => {
        booting = undefined;
        standardLog().error("The site could not boot", { why: messageOf(error) });
        return undefined;
      });
      const box = await booting;
      if (box === undefined) return new Response("Service Unavailable", { status: 503 });
      return await box.fetch(request, info);
    },
  };
  return site;
}
