import assert from "node:assert/strict";
import { freePort, isListening } from "../../support/loopback.ts";
import { REPOSITORY, startServe, storeFlags } from "../../support/program.ts";
import { tempDir } from "../../support/temp_dir.ts";

const SITE = new URL("../../sites/one_document/site.ts", import.meta.url).href;

/** Serves a site that cannot boot, and checks that it ends with one line that `names` the culprit. */
async function bootFails(
  query: Record<string, string>,
  names: RegExp,
  { args = [], flags = [], alsoSays }: {
    args?: string[];
    flags?: string[];
    alsoSays?: RegExp;
  } = {},
): Promise<void> {
  const location = new URL(SITE);
  location.search = new URLSearchParams(query).toString();
  const port = freePort();
  await using program = startServe([location.href, "--port", `${port}`, ...args], { flags });
  const { code, stdout, stderr } = await program.output();
  assert.equal(code, 1, stderr);
  assert.equal(stdout, "");
  const lines = stderr.split("\n").filter((line) => line !== "" && !alsoSays?.test(line));
  assert.equal(lines.length, 1, stderr);
  assert.match(lines[0]!, /^tandem: Cannot /);
  assert.match(lines[0]!, names);
  assert.equal(await isListening(port), false);
}

function url(path: string): string {
  return new URL(path, SITE).href;
}

function literal(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
}

const ALL_KINDS = ["startup", "threads", "pagelets", "xbox", "pages", "requestInit"];

for (const kind of ALL_KINDS) {
  Deno.test(`serve fails to boot when the ${kind} document is missing`, async () => {
    const document = url("./missing.ts");
    await bootFails({ kind, document }, new RegExp(literal(document)));
  });
}

for (const kind of ["startup", "threads", "pagelets", "xbox", "pages"]) {
  Deno.test(`serve fails to boot when the ${kind} document has no default export`, async () => {
    const document = url("./nothing.ts");
    await bootFails({ kind, document }, new RegExp(`${literal(document)}.* default export`));
  });

  Deno.test(`serve fails to boot when the ${kind} document has a syntax error`, async () => {
    await using dir = await tempDir();
    await Deno.writeTextFile(`${dir.path}/broken.ts`, "export default function (: {}\n");
    const document = `file://${dir.path}/broken.ts`;
    const flags = [`--allow-read=${REPOSITORY},${dir.path}`];
    // About a worker that cannot load, Deno writes by itself: nothing in the entry can hush it.
    const inEntry = kind === "startup" || kind === "pages";
    const alsoSays = inEntry ? undefined : /^(error: Uncaught \(in worker |\s|\d+ \|)/;
    await bootFails({ kind, document }, new RegExp(literal(document)), { flags, alsoSays });
  });
}

Deno.test("serve fails to boot when the request init document lacks its function", async () => {
  const document = url("./nothing.ts");
  await bootFails(
    { kind: "requestInit", document },
    new RegExp(`${literal(document)}.*"initRequest"`),
  );
});

Deno.test("serve fails to boot when a thread throws before it has started", async () => {
  const document = url("./throws.ts");
  await bootFails(
    { kind: "threads", document },
    new RegExp(`${literal(document)}.*the well is dry`),
  );
});

Deno.test("serve fails to boot when a thread returns before it has started", async () => {
  const document = url("./returns.ts");
  await bootFails({ kind: "threads", document }, new RegExp(`${literal(document)}.*started\\(\\)`));
});

Deno.test("serve fails to boot when the startup document throws", async () => {
  const document = url("./throws.ts");
  await bootFails(
    { kind: "startup", document },
    new RegExp(`${literal(document)}.*the well is dry`),
  );
});

for (const kind of ["threads", "pagelets", "xbox"]) {
  Deno.test(`serve fails to boot when ${kind} may do more than the box`, async () => {
    const document = url(kind === "xbox" ? "./good.ts" : "./patient.ts");
    await bootFails(
      { kind, document, net: "all" },
      new RegExp(`${literal(document)}.*{"net":true} exceed`),
    );
  });
}

Deno.test("serve fails to boot when the port is in use", async () => {
  const port = freePort();
  {
    using _holder = Deno.listen({ hostname: "127.0.0.1", port });
    await using program = startServe([`${SITE}?kind=threads&document=./patient.ts`], {
      env: { PORT: `${port}` },
    });
    const { code, stdout, stderr } = await program.output();
    assert.equal(code, 1);
    assert.equal(stdout, "");
    assert.match(stderr, new RegExp(`^tandem: Cannot [^\n]*127.0.0.1:${port}[^\n]* in use\n$`));
  }
  assert.equal(await isListening(port), false);
});

Deno.test("serve fails to boot when the file of the store may not be written", async () => {
  const store = "/proc/tandem/store.db";
  await bootFails({}, new RegExp(`${literal(store)}.*--allow-write`), { args: ["--store", store] });
});

Deno.test("serve fails to boot when the file of the store cannot be written", async () => {
  await using dir = await tempDir();
  const store = `${dir.path}/folder.db`;
  await Deno.mkdir(store);
  await bootFails({}, new RegExp(literal(store)), {
    args: ["--store", store],
    flags: storeFlags(dir.path),
  });
});

Deno.test("serve fails to boot when the folder of the store is missing", async () => {
  await using dir = await tempDir();
  const store = `${dir.path}/missing/store.db`;
  await bootFails({}, new RegExp(`${literal(store)}.* does not exist`), {
    args: ["--store", store],
    flags: storeFlags(dir.path),
  });
});
