/**
 * What `deno doc` knows of a module.
 *
 * @module
 */

import assert from "node:assert/strict";
import { runDeno } from "./program.ts";

/** A thing that can carry a doc comment. */
export interface Documented {
  name?: string;
  jsDoc?: { doc?: string };
  accessibility?: string;
}

/** One export. */
export interface DocSymbol {
  name: string;
  declarations: (Documented & {
    kind: string;
    location: { filename: string; line: number };
    def: Record<string, unknown>;
  })[];
}

/** A module's own comment and its exports. */
export interface Docs {
  module_doc?: { doc?: string };
  symbols: DocSymbol[];
}

/** Runs `deno doc --json` on a module of the repository. */
export async function readDocs(path: string): Promise<Docs> {
  const { code, stdout, stderr } = await runDeno(["doc", "--json", path]);
  assert.equal(code, 0, stderr);
  const { nodes } = JSON.parse(stdout) as { nodes: Record<string, Docs> };
  return Object.values(nodes)[0]!;
}
