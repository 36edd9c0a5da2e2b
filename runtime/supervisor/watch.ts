/**
 * New boxes when the site's files change.
 *
 * @module
 */

import { dirname, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { messageOf, RuntimeError } from "../errors.ts";
import type { Log } from "../types/log.ts";
import type { Supervisor } from "./supervisor.ts";

/** Editors write a file in several steps, and several files at once. */
const SETTLE_MS = 100;

/**
 * Reloads whenever something changes below the folder of the site, other than the store.
 *
 * @throws {TypeError} If the site is no file.
 * @throws {RuntimeError} `PERMISSION_MISSING` if the folder may not be read.
 */
export function watchSite(site: string, supervisor: Supervisor, log: Log): Disposable {
  if (!site.startsWith("file:")) {
    throw new TypeError(`Cannot watch ${site}: only files can be watched`);
  }
  const folder = dirname(fileURLToPath(site));
  const watcher = open(folder);
  let timer: ReturnType<typeof setTimeout> | undefined;
  const reload = () => {
    log.info("The site has changed", { folder });
    supervisor.reload("the site has changed").catch((error) => {
      log.error("The site could not be reloaded; the boxes before go on", {
        why: messageOf(error),
      });
    });
  };
  (async () => {
    for await (const { kind, paths } of watcher) {
      const { storeUrl } = supervisor;
      if (kind === "access" || paths.every((path) => isOfStore(path, storeUrl))) continue;
      clearTimeout(timer);
      timer = setTimeout(reload, SETTLE_MS);
    }
  })();
  return {
    [Symbol.dispose]: () => {
      clearTimeout(timer);
      watcher.close();
    },
  };
}

/** Whether a file is one of those of the store: no code stands there, and boxes write it all the time. */
function isOfStore(path: string, url: string | undefined): boolean {
  if (url === undefined) return false;
  const file = resolve(url);
  return path === file || path.startsWith(`${file}-`);
}

function open(folder: string): Deno.FsWatcher {
  try {
    return Deno.watchFs(folder);
  } catch (cause) {
    if (!(cause instanceof Deno.errors.NotCapable)) throw cause;
    const cannot = `Cannot watch ${folder}: run with --allow-read=${folder}`;
    throw new RuntimeError("PERMISSION_MISSING", cannot, { cause });
  }
}
