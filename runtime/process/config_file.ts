/**
 * The configuration that a child process resolves its document's imports by.
 *
 * A Worker has that of its process. A child finds none by itself, and that of its owner cannot be asked for, so it
 * gets the nearest one above its document.
 *
 * @module
 */

import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const NAMES = ["deno.json", "deno.jsonc"];

/** Finds the nearest configuration above a local document, as far as this process may look; otherwise `undefined`. */
export function findConfig(document: string): string | undefined {
  if (!document.startsWith("file:")) return undefined;
  let folder = dirname(fileURLToPath(document));
  while (true) {
    for (const name of NAMES) {
      const path = join(folder, name);
      if (isFile(path)) return path;
    }
    const above = dirname(folder);
    if (above === folder) return undefined;
    folder = above;
  }
}

function isFile(path: string): boolean {
  try {
    return Deno.statSync(path).isFile;
  } catch (error) {
    const isAway = error instanceof Deno.errors.NotFound ||
      error instanceof Deno.errors.NotADirectory;
    if (isAway || error instanceof Deno.errors.NotCapable) return false;
    throw error;
  }
}
