/**
 * The site that a program serves.
 *
 * @module
 */

import { resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { loadDocument } from "../document/load.ts";
import { RuntimeError } from "../errors.ts";
import type { SiteDefinition } from "./box.ts";

/** The address of a site's module, from what was typed; the atlas that ships with Tandem if nothing was. */
export function locateSite(location: string | undefined): string {
  if (location === undefined) return new URL("../../handlers/site.ts", import.meta.url).href;
  if (/^(file|https?):\/\//.test(location)) return location;
  return pathToFileURL(resolve(location)).href;
}

/**
 * Loads a site.
 *
 * @throws {RuntimeError} `DOCUMENT_INVALID` if the module cannot be loaded, or exports no site.
 */
export async function loadSite(url: string): Promise<SiteDefinition> {
  const site = (await loadDocument(url)).default as SiteDefinition | undefined;
  if (site?.options !== undefined && site.app !== undefined) return site;
  throw new RuntimeError(
    "DOCUMENT_INVALID",
    `Cannot serve ${url}: its default export must come from createSite`,
  );
}
