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
 * Looks whether a document on this machine is there. Deno itself writes about a worker that cannot
 * load, so that a mistyped path is better found before there is one.
 *
 * @throws {RuntimeError} `DOCUMENT_INVALID` if there is no such file.
 */
export async function checkDocument(url: string): Promise<void> {
  if (!url.startsWith("file:")) return;
  try {
    await Deno.stat(new URL(url));
  } catch (cause) {
    // Whatever else is wrong, or may not be seen, the loader says better.
    if (!(cause instanceof Deno.errors.NotFound)) return;
    throw new RuntimeError(
      "DOCUMENT_INVALID",
      `Cannot load document ${url}: there is no such file`,
      { cause },
    );
  }
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
