/**
 * A browser for tests: finds Chromium, and fetches what drives it.
 *
 * @module
 */

import { dirname } from "node:path";
import { Program } from "./program.ts";

/** What the browser programs import. Neither has dependencies or needs a step after it is unpacked. */
const PACKAGES = ["playwright-core@1.65.1", "axe-core@4.14.1"];

/** Where Chromium is: what `CHROMIUM` names, else the first of its usual names on the path. */
export function findChromium(): string | undefined {
  const named = Deno.env.get("CHROMIUM");
  if (named) return named;
  const names = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];
  const folders = Deno.env.get("PATH")?.split(":") ?? [];
  return names.flatMap((name) => folders.map((folder) => `${folder}/${name}`)).find(exists);
}

/** Installs the packages into a folder outside the repository, unless an earlier run has, and returns the folder. */
export async function installPackages(): Promise<string> {
  const fresh = await Deno.makeTempDir({ prefix: "tandem-browser-" });
  const folder = `${dirname(fresh)}/tandem-browser-${Deno.uid()}-${PACKAGES.join("-")}`;
  if (exists(folder)) {
    await Deno.remove(fresh);
    const { uid } = Deno.statSync(folder);
    if (uid === Deno.uid()) return folder;
    throw new Error(`Cannot use ${folder}: it belongs to another user (${uid})`);
  }
  const command = 'exec npm install --prefix "$@" --ignore-scripts --no-audit --no-fund --no-save';
  await using npm = new Program("sh", ["-c", command, "sh", fresh, ...PACKAGES]);
  const { code, stdout, stderr } = await npm.output();
  if (code !== 0) {
    await Deno.remove(fresh, { recursive: true });
    throw new Error(`Cannot install ${PACKAGES.join(" and ")} with npm:\n${stdout}${stderr}`);
  }
  try {
    await Deno.rename(fresh, folder); // only what is whole gets the name
  } catch (error) {
    await Deno.remove(fresh, { recursive: true });
    if (!exists(folder)) throw error; // another run was faster
  }
  return folder;
}

/** Waits until a process has ended, and says whether it has within five seconds. */
export async function hasEnded(pid: number): Promise<boolean> {
  // What is left of a process that nobody has waited for has an empty command line.
  const wait =
    'for i in $(seq 50); do grep -q . "/proc/$1/cmdline" || exit 0; sleep 0.1; done; exit 1';
  await using shell = new Program("sh", ["-c", wait, "sh", String(pid)]);
  return (await shell.output()).code === 0;
}

function exists(path: string): boolean {
  try {
    return Deno.statSync(path) !== undefined;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}
