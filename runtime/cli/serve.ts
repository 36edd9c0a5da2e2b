/**
 * `serve`: boots a site and serves it until it is told to stop.
 *
 * @module
 */

import { parseArgs } from "node:util";
import { pathToFileURL } from "node:url";
import { resolve } from "node:path";
import { runUntilStopped, say, standardLog } from "../box/lifecycle.ts";
import { serve } from "../box/serve.ts";
import { loadDocument } from "../document/load.ts";
import { messageOf, RuntimeError } from "../errors.ts";
import type { Site } from "../site.ts";
import { type Command, UsageError } from "./usage.ts";

const HELP = `tandem serve [site] [options]

Boots the site, a module whose default export comes from createSite, and serves it.
Without a site it serves the atlas that ships with Tandem.

  --port <n>         port, 0 for a free one (default: PORT of the environment, else 8000)
  --hostname <name>  address to listen on (default: 127.0.0.1)
  --store <url>      a file, :memory: or a KV Connect URL, in place of the site's own
  --grace <ms>       longest time for a drain (default: 4500)
  --detached         go on when the parent process has ended
  --log <level>      debug, info, warn or error (default: info)
  --help             this text

SIGINT and SIGTERM drain the box and end it with status 0; a second one ends it at once.`;

const LEVELS = ["debug", "info", "warn", "error"] as const;
const DEFAULT_GRACE_MS = 4500;

/** The command. */
export const serveCommand: Command = {
  summary: "serve a site",
  help: HELP,
  run: async (args) => {
    const { site: location, port, hostname, store, graceMs, detached, level } = readArguments(args);
    const log = standardLog(level);
    const site = await loadSite(location);
    const abort = new AbortController();
    const stopBoot = () => abort.abort(new RuntimeError("STOPPING", "it was told to stop"));
    const signals = ["SIGINT", "SIGTERM"] as const;
    for (const signal of signals) Deno.addSignalListener(signal, stopBoot);
    // A boot that waits for what never comes must not end the program without a word.
    const alive = setInterval(() => {}, 2 ** 31 - 1);
    const box = await serve(site, { hostname, port, store, log, signal: abort.signal });
    clearInterval(alive);
    const stopped = runUntilStopped(box, { log, graceMs, detached });
    for (const signal of signals) Deno.removeSignalListener(signal, stopBoot);
    say(`${site.options.name} on ${box.url.replace(/\/$/, "")}`);
    await stopped;
  },
};

function readArguments(args: string[]) {
  let parsed;
  try {
    parsed = parseArgs({
      args,
      allowPositionals: true,
      options: {
        port: { type: "string" },
        hostname: { type: "string" },
        store: { type: "string" },
        grace: { type: "string" },
        detached: { type: "boolean" },
        log: { type: "string" },
      },
    });
  } catch (error) {
    throw new UsageError(messageOf(error));
  }
  const { values, positionals } = parsed;
  if (positionals.length > 1) {
    throw new UsageError(`serve takes one site, and ${positionals.length} were given`);
  }
  const level = LEVELS.find((known) => known === (values.log ?? "info"));
  if (level === undefined) {
    throw new UsageError(`--log must be ${LEVELS.join(", ")}, and "${values.log}" was given`);
  }
  return {
    site: positionals[0],
    port: wholeNumber("--port", values.port, 65535),
    hostname: values.hostname,
    store: values.store,
    graceMs: wholeNumber("--grace", values.grace, 2 ** 31 - 1) ?? DEFAULT_GRACE_MS,
    detached: values.detached ?? false,
    level,
  };
}

function wholeNumber(flag: string, text: string | undefined, most: number): number | undefined {
  if (text === undefined) return undefined;
  const value = /^\d+$/.test(text) ? Number(text) : NaN;
  if (value <= most) return value;
  throw new UsageError(`${flag} must be a whole number from 0 to ${most}, and "${text}" was given`);
}

async function loadSite(location: string | undefined): Promise<Site> {
  const url = location === undefined
    ? new URL("../../handlers/site.ts", import.meta.url).href
    : /^(file|https?):\/\//.test(location)
    ? location
    : pathToFileURL(resolve(location)).href;
  const site = (await loadDocument(url)).default as Site | undefined;
  if (site?.options !== undefined && site.app !== undefined) return site;
  throw new RuntimeError(
    "DOCUMENT_INVALID",
    `Cannot serve ${url}: its default export must come from createSite`,
  );
}
