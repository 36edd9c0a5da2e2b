import assert from "node:assert/strict";
import { type Documented, readDocs } from "./support/docs.ts";

/** Lists of a class or an interface whose entries users meet. */
const MEMBERS = ["constructors", "properties", "methods", "callSignatures", "indexSignatures"];

/** What has no comment: the names, each with where it stands. */
async function undocumented(path: string): Promise<string[]> {
  const { module_doc, symbols } = await readDocs(path);
  assert.ok(symbols.length > 0);
  const found = says(module_doc) ? [] : [path];
  for (const { name, declarations } of symbols) {
    // One comment does for the overloads of a function.
    if (!declarations.some(({ jsDoc }) => says(jsDoc))) found.push(name);
    for (const { kind, def } of declarations) {
      for (const member of membersOf(kind, def)) {
        if (!says(member.jsDoc)) found.push(`${name}.${member.name ?? "()"}`);
      }
    }
  }
  return [...new Set(found)];
}

function membersOf(kind: string, def: Record<string, unknown>): Documented[] {
  let holder: unknown = def;
  if (kind === "typeAlias") holder = (def.tsType as { value?: unknown } | undefined)?.value;
  if (typeof holder !== "object" || holder === null) return [];
  const members = MEMBERS.flatMap((list) => (holder as Record<string, Documented[]>)[list] ?? []);
  return members.filter(({ name, accessibility }) =>
    accessibility !== "private" && !name?.startsWith("[Symbol.")
  );
}

function says(comment: { doc?: string } | undefined): boolean {
  return (comment?.doc ?? "").trim() !== "";
}

Deno.test("every export of mod.ts and every member of it has a doc comment", async () => {
  assert.deepEqual(await undocumented("mod.ts"), []);
});

Deno.test("every export of the tree and every member of it has a doc comment", async () => {
  assert.deepEqual(await undocumented("runtime/router/mod.ts"), []);
});

Deno.test("the check of doc comments finds what has none", async () => {
  assert.deepEqual(await undocumented("tests/sites/undocumented/mod.ts"), [
    "tests/sites/undocumented/mod.ts",
    "bare",
    "Half.constructor",
    "Half.method",
    "Shape.b",
    "Alias.c",
  ]);
});
