/**
 * `serve`: boots a site and serves it until it is told to stop.
 *
 * @module
 */

import { parseArgs } from "node:util";
import { loadSite, locateSite } from "../box/load_site.ts";
import { type Drainable, runUntilStopped, say, standardLog } from "../box/lifecycle.ts";
import { serve } from "../box/serve.ts";
import { readPort } from "../box/port.ts";
import { messageOf, RuntimeError } from "../errors.ts";
import type { Log } from "../types/log.ts";
import { wholeNumber } from "./numbers.ts";
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

Several boxes, each a process of its own, behind one port:

  --box-flag <flag>  a flag of Deno for each box, repeated: its permissions, V8's limits
  --boxes <n>        how many (default: with --box-flag the number of cores, else 1)
  --admin-port <n>   loopback port for /status, /health, /metrics, /reload and /stop
  --watch            new boxes when a file in the site's folder changes
  --max-memory <MiB> replace a box whose process takes more
  --max-age <ms>     replace a box that has served so long

SIGINT and SIGTERM drain it and end it with status 0; a second one ends it at once.
SIGHUP replaces several boxes one after another.`;

const LEVELS = ["debug", "info", "warn", "error"] as const;
const DEFAULT_GRACE_MS = 4500;
const MIB = 2 ** 20;

type Arguments = ReturnType<typeof readArguments>;

/** Something that serves. */
interface Served {
  name: string;
  url: string;
  box: Drainable;
}

/** The command. */
export const serveCommand: Command = {
  summary: "serve a site",
  help: HELP,
  run: async (args) => {
    const given = readArguments(args);
    const { graceMs, detached, level } = given;
    const log = standardLog(level);
    const abort = new AbortController();
    const stopBoot = () => abort.abort(new RuntimeError("STOPPING", "it was told to stop"));
    const signals = ["SIGINT", "SIGTERM"] as const;
    for (const signal of signals) Deno.addSignalListener(signal, stopBoot);
    // A boot that waits for what never comes must not end the program without a word.
    const alive = setInterval(() => {}, 2 ** 31 - 1);
    const start = given.boxes === undefined ? serveOne : serveSeveral;
    const { name, url, box } = await start(given, log, abort.signal);
    clearInterval(alive);
    const stopped = runUntilStopped(box, { log, graceMs, detached });
    for (const signal of signals) Deno.removeSignalListener(signal, stopBoot);
    say(`${name} on ${url.replace(/\/$/, "")}`);
    await stopped;
  },
};

async function serveOne(given: Arguments, log: Log, signal: AbortSignal): Promise<Served> {
  if (given.flags.length > 0) {
    log.info("One box serves: several need Linux, and --box-flag is unused");
  }
  const { port, hostname, store } = given;
  const site = await loadSite(locateSite(given.site));
  const box = await serve(site, { hostname, port, store, log, signal });
  return { name: site.options.name, url: box.url, box };
}

async function serveSeveral(given: Arguments, log: Log, signal: AbortSignal): Promise<Served> {
  const { runSupervisor } = await import("../supervisor/run.ts");
  const { hostname = "127.0.0.1", store, graceMs, level, adminPort, watch, flags } = given;
  const supervisor = await runSupervisor({
    ...{ hostname, store, graceMs, level, flags, adminPort, watch, log, signal },
    site: locateSite(given.site),
    boxes: given.boxes!,
    port: readPort(given.port),
    maxMemoryBytes: (given.maxMemoryMib ?? 0) * MIB,
    maxAgeMs: given.maxAgeMs ?? 0,
  });
  return { name: supervisor.status().site, url: supervisor.url, box: supervisor };
}

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
        boxes: { type: "string" },
        "box-flag": { type: "string", multiple: true },
        "admin-port": { type: "string" },
        watch: { type: "boolean" },
        "max-memory": { type: "string" },
        "max-age": { type: "string" },
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
  const longest = 2 ** 31 - 1;
  const flags = values["box-flag"] ?? [];
  const boxes = wholeNumber("--boxes", values.boxes, MOST_BOXES, 1);
  const wrong = flags.find((flag) => !/^--?[a-zA-Z]/.test(flag));
  if (wrong !== undefined) {
    throw new UsageError(
      `--box-flag must be a flag of Deno such as -P=box, and "${wrong}" was given`,
    );
  }
  if (flags.length === 0) refuseWithoutFlags(values);
  const several = SEVERAL.find((name) => values[name] !== undefined);
  if (several !== undefined && !SHARES_PORTS) {
    throw new UsageError(
      `--${several} needs Linux, the only system on which processes share a port`,
    );
  }
  return {
    site: positionals[0],
    port: wholeNumber("--port", values.port, 65535),
    hostname: values.hostname,
    store: values.store,
    graceMs: wholeNumber("--grace", values.grace, longest) ?? DEFAULT_GRACE_MS,
    detached: values.detached ?? false,
    level,
    flags,
    boxes: flags.length === 0 || !SHARES_PORTS ? undefined : boxes ?? usualBoxes(),
    adminPort: wholeNumber("--admin-port", values["admin-port"], 65535),
    watch: values.watch ?? false,
    maxMemoryMib: wholeNumber("--max-memory", values["max-memory"], longest, 1),
    maxAgeMs: wholeNumber("--max-age", values["max-age"], longest, 1),
  };
}

const MOST_BOXES = 256;
/** Elsewhere a site is served by one box, whatever flags its boxes are to have. */
const SHARES_PORTS = Deno.build.os === "linux";

/** What is said of several boxes only. */
const SEVERAL = ["boxes", "admin-port", "watch", "max-memory", "max-age"] as const;

/** A process cannot tell what it may do itself, so what its boxes may do has to be said. */
function refuseWithoutFlags(values: Record<string, unknown>): void {
  const one = SEVERAL.find((name) => values[name] !== undefined);
  if (one === undefined) return;
  throw new UsageError(
    `--${one} needs boxes that are processes; say what they may do, as in --box-flag=-P=serve or ` +
      "--box-flag=--allow-net=127.0.0.1",
  );
}

/** Hosts that start and stop instances by themselves, by the variables that they set. */
const MANAGED = ["DENO_DEPLOYMENT_ID", "K_SERVICE", "AWS_LAMBDA_FUNCTION_NAME", "FLY_MACHINE_ID"];

/** As many as there are cores, unless the machine is not ours. */
function usualBoxes(): number {
  const isManaged = MANAGED.some((variable) =>
    Deno.permissions.querySync({ name: "env", variable }).state === "granted" &&
    Deno.env.has(variable)
  );
  return isManaged ? 1 : Math.min(MOST_BOXES, Math.max(1, navigator.hardwareConcurrency));
}
