/**
 * A site as a value: options in, an app and a `fetch` out. Making one starts nothing.
 *
 * @module
 */

import { Hono } from "./deps/hono.ts";
import { Box, type SiteDefinition } from "./box/box.ts";
import { standardLog } from "./box/lifecycle.ts";
import { messageOf } from "./errors.ts";
import { AllowList, readAddress } from "./peer/address.ts";
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
  checkNames(resolved);
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

/** Checks the names of boxes, wherever options hold some. */
function checkNames(options: ResolvedOptions): void {
  const { peers, threads, threadLoops } = options;
  const rooms = (["pages", "pagelets", "xbox", "rpc"] as const).map((room) =>
    [room, options[room]] as const
  );
  const workers = [
    ...rooms,
    ...threads.map((thread, index) => [`threads[${index}]`, thread] as const),
    ...threadLoops.map((loop, index) => [`threadLoops[${index}]`, loop] as const),
  ];
  naming("peers.allow", () => new AllowList(peers.allow));
  for (const [field, worker] of workers) {
    naming(`${field}.xbox.to`, () => new AllowList(worker?.xbox.to ?? []));
  }
  for (const name of peers.self) {
    const address = naming("peers.self", () => readAddress(name));
    if (address !== undefined) continue;
    throw new TypeError(
      `Cannot use option "peers.self": an address with a port is needed, and ${
        JSON.stringify(name)
      } was given`,
    );
  }
}

/** Says of a wrong name in which option it stands. */
function naming<T>(field: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    throw new TypeError(`Cannot use option "${field}": ${messageOf(error)}`, { cause: error });
  }
}
