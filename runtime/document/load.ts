/**
 * Loads the documents that run in the entry's own isolate.
 *
 * @module
 */

import { messageOf, RuntimeError } from "../errors.ts";

/**
 * Imports a document and reads one function of it.
 *
 * @throws {RuntimeError} `DOCUMENT_INVALID` if the document cannot be loaded or does not export the function.
 */
export async function loadFunction(
  url: string,
  exportName = "default",
): Promise<(...args: unknown[]) => unknown> {
  const exported = (await loadDocument(url))[exportName];
  if (typeof exported === "function") return exported as (...args: unknown[]) => unknown;
  const what = exportName === "default" ? "its default export" : `its export "${exportName}"`;
  const given = exported === undefined ? "there is none" : `it is of type ${typeof exported}`;
  throw new RuntimeError(
    "DOCUMENT_INVALID",
    `Cannot use document ${url}: ${what} must be a function, and ${given}`,
  );
}

/**
 * Imports a document.
 *
 * @throws {RuntimeError} `DOCUMENT_INVALID` if it cannot be loaded.
 */
export async function loadDocument(url: string): Promise<Record<string, unknown>> {
  try {
    return await import(url);
  } catch (cause) {
    throw new RuntimeError("DOCUMENT_INVALID", `Cannot load document ${url}: ${messageOf(cause)}`, {
      cause,
    });
  }
}
