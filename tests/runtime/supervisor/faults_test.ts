import assert from "node:assert/strict";
import { load } from "../../support/load.ts";
import { freePort, HeldRequest } from "../../support/loopback.ts";
import {
  killProcess,
  type MachineOptions,
  startMachine,
  startMachineProgram,
  untilGone,
} from "../../support/machine.ts";
import { MOD, REPOSITORY, storeFlags } from "../../support/program.ts";
import { type TempDir, tempDir } from "../../support/temp_dir.ts";

/** Writes a site with these routes, and says how a machine runs it. */
async function writeSite(
  temp: TempDir,
  { before = "", options = "", routes = "" }: Record<string, string>,
): Promise<MachineOptions> {
  const site = `${temp.path}/site.ts`;
  await Deno.writeTextFile(
    site,
    `import { createSite } from "file://${MOD}";\n${before}\n` +
      `const site = createSite({ name: "faults", ${options} });\n` +
      `site.app.get("/", (c) => c.text("here"));\n${routes}\nexport default site;\n`,
  );
  const may = [`--allow-read=${temp.path},${REPOSITORY}`];
  return { site, flags: may, boxFlags: may };
}

Deno.test.each(["x", "x".repeat(300_000)])(
  "Uploads are whole while their boxes are replaced (%#)",
  async (body) => {
    await using machine = await startMachine();
    const abort = new AbortController();
    const { signal } = abort;
    const loaded = load(`${machine.url}upload`, { connections: 8, signal, body });
    try {
      for (let turn = 0; turn < 2; turn++) {
        assert.equal((await machine.command("reload")).status, 200);
      }
    } finally {
      abort.abort();
    }
    const { failed, refused, ok } = await loaded;
    assert.deepEqual([failed, refused], [{}, 0]);
    assert.ok(ok > 0);
  },
);

Deno.test("A stop in the middle of a reload starts no more boxes", async () => {
  await using machine = await startMachine();
  const before = await machine.status();
  const lines = 100;
  using stack = new DisposableStack();
  const held = await Promise.all(Array.from(
    { length: 8 },
    () => HeldRequest.open(`${machine.url}stream/${lines}`, `line ${lines - 1}`),
  ));
  const reloaded = machine.command("reload");
  for (const one of held) stack.use(one);
  const { boxes } = await machine.until((status) => status.replacements === 1);
  machine.program.kill("SIGTERM");
  const known = [...before.boxes, ...boxes].map(({ pid }) => pid);
  const seen = new Set<number>();
  while (!machine.program.ended) {
    const status = await machine.status().catch(() => undefined); // the port closes at the end
    for (const { pid } of status?.boxes ?? []) seen.add(pid);
  }
  assert.equal((await machine.program.status).code, 0);
  assert.deepEqual([...seen].filter((pid) => !known.includes(pid)), []);
  const { status, text } = await reloaded;
  assert.equal(status, 500);
  assert.match(text, /^Cannot reload: the supervisor was told to stop/);
  for (const one of held) {
    const whole = await one.finish();
    assert.equal([...whole.matchAll(/line \d+\n/g)].length, lines);
  }
});

Deno.test("A reload while the boxes start waits for them", async () => {
  await using program = startMachineProgram();
  const line = await program.stderr.line(/admin port is open/);
  const admin = /http:[^"]+/.exec(line)![0];
  const response = await fetch(`${admin}reload`, { method: "POST" });
  assert.deepEqual([response.status, await response.text()], [200, "OK\n"]);
  await program.url();
  const { replacements, serving } = await (await fetch(`${admin}status`)).json();
  assert.deepEqual([replacements, serving], [2, 2]);
  program.kill("SIGTERM");
  assert.equal((await program.status).code, 0);
});

Deno.test("A client that sends half a request to the admin port keeps nothing from ending", async () => {
  await using machine = await startMachine({ boxes: 1 });
  const { port } = new URL(machine.admin);
  using client = await Deno.connect({ hostname: "127.0.0.1", port: Number(port) });
  const head = "POST /nothing HTTP/1.1\r\nhost: localhost\r\ncontent-length: 9\r\n\r\n";
  await client.write(new TextEncoder().encode(`${head}half`));
  assert.notEqual(await client.read(new Uint8Array(1)), null);
  machine.program.kill("SIGTERM");
  assert.equal((await machine.program.status).code, 0);
});

Deno.test.each([
  ["boots", "for (;;);", ""],
  ["waits", "await new Promise(() => setInterval(() => {}, 1000));", ""],
  ["answers", "", "for (;;);"],
])("A box that %s for ever does not outlive its supervisor", async (_name, boot, answer) => {
  await using temp = await tempDir();
  const options = await writeSite(temp, {
    before: boot && `console.error("hangs");\n${boot}`,
    routes: `site.app.get("/hang", (c) => { console.error("hangs");\n${answer}\n` +
      `return c.text(""); });`,
  });
  await using program = startMachineProgram({ ...options, boxes: 1 });
  const line = await program.stderr.line(/admin port is open/);
  const admin = /http:[^"]+/.exec(line)![0];
  const asked = boot === ""
    ? fetch(`${await program.url()}hang`).then((r) => r.text(), () => "")
    : Promise.resolve("");
  await program.stderr.line(/^hangs$/);
  const { boxes: [box] } = await (await fetch(`${admin}status`)).json();
  program.kill("SIGKILL");
  await untilGone(box.pid);
  await asked;
});

Deno.test("What cannot be started once a machine runs nowhere, and is tried anew", async () => {
  await using temp = await tempDir();
  const options = await writeSite(temp, {
    options:
      `store: { url: ":memory:" }, threads: ["sound", "broken"].map((name) => ({ once: true, ` +
      "document: new URL(`./${name}.ts`, import.meta.url) }))",
    routes: `site.app.get("/mend", async (c) => {
      await c.var.store.set("starts", -1);
      return c.text("");
    });`,
  });
  const thread = (text: string) =>
    `export default async function ({ store, started, stopped }) {\n` +
    `${text}\nstarted();\nwhile (!await stopped(1000));\n}`;
  await Deno.writeTextFile(`${temp.path}/sound.ts`, thread(""));
  await Deno.writeTextFile(
    `${temp.path}/broken.ts`,
    thread(`const starts = await store.get("starts") ?? 0;
if (starts > 0) throw new Error("not now");
if (starts === 0) await store.set("starts", 1);`),
  );
  await using machine = await startMachine(options);
  const { boxes } = await machine.status();
  const [first] = boxes.filter(({ leads }) => leads);
  killProcess(first!.pid);
  await machine.program.stderr.line(/What runs once a machine could not be started/);
  await machine.until(({ boxes, serving }) =>
    serving === 2 &&
    boxes.every(({ pid, leads, report }) =>
      pid !== first!.pid && !leads && report?.status.threads.length === 0
    )
  );
  await machine.get("mend");
  const { boxes: after } = await machine.until(({ boxes }) =>
    boxes.some(({ report }) =>
      report?.status.threads.filter(({ state }) => state === "running").length === 2
    )
  );
  assert.equal(after.filter(({ report }) => (report?.status.threads.length ?? 0) > 0).length, 1);
});

Deno.test("An admin port that somebody else has is named", async () => {
  const port = freePort();
  using _taken = Deno.listen({ hostname: "127.0.0.1", port });
  await using program = startMachineProgram({ args: ["--admin-port", String(port)] });
  const { code, stderr } = await program.output();
  assert.equal(code, 1);
  assert.match(stderr, new RegExp(`Cannot listen on 127.0.0.1:${port}: the address is in use`));
});

Deno.test("serve --watch does not take the store for code", async () => {
  await using temp = await tempDir();
  const { site } = await writeSite(temp, {
    options: "store: { url: new URL('./data.db', import.meta.url).pathname }",
    routes: `site.app.get("/write", async (c) => {
      await c.var.store.set("at", Date.now());
      return c.text("");
    });`,
  });
  const may = storeFlags(temp.path);
  await using machine = await startMachine({
    ...{ site, flags: may, boxFlags: may, boxes: 1 },
    args: ["--watch"],
  });
  const changes = () => [...machine.program.stderr.text.matchAll(/The site has changed/g)].length;
  // So many that a change would have been reported by then.
  const end = performance.now() + 300;
  while (performance.now() < end) await machine.get("write");
  const code = await Deno.readTextFile(site!);
  const settled = performance.now() + 300;
  while (performance.now() < settled) await machine.status();
  assert.equal(changes(), 0);
  await Deno.writeTextFile(site!, code.replace('"here"', '"there"'));
  await machine.until(({ replacements, boxes }) => replacements > 0 && boxes.length === 1);
  assert.equal(await machine.get(""), "there");
});
