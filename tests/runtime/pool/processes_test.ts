import assert from "node:assert/strict";
import type { PoolOptions } from "../../../mod.ts";
import { VALUES } from "../../sites/processes/xbox.ts";
import { BOX_FLAGS, runDeno } from "../../support/program.ts";
import { tempDir } from "../../support/temp_dir.ts";
import { fixture, open as openSite, type Opened, until } from "../http/support.ts";

/** Nothing but a hang takes so long. */
const LONGEST_MS = 2000;

const open = (pagelets: Partial<PoolOptions> = {}) =>
  openSite({
    pagelets: {
      document: fixture("processes/pagelets.ts"),
      isolation: "process",
      workers: 2,
      ...pagelets,
    },
  });

/** Asks for a pagelet; how long the answer took is told. */
async function ask(site: Opened, path: string, timeoutMs?: number) {
  return await site.run(async ({ pagelets }) => {
    const begun = performance.now();
    const task = pagelets.start(path, { timeoutMs });
    const { code, body } = await task.result();
    return { code, body, error: task.error, ms: performance.now() - begun };
  });
}

Deno.test("a worker in a process has its pid in the status, and no more rights than its pool", async () => {
  await using site = await open({ permissions: { read: true } });
  const { isolation, crew, workers } = site.pool();
  assert.deepEqual([isolation, workers], ["process", 2]);
  const pids = crew.map(({ pid }) => pid);
  assert.equal(new Set(pids).size, 2);
  const { pid, ppid, name, env, read } = JSON.parse((await ask(site, "/where")).body);
  assert.ok(pids.includes(pid) && pid !== Deno.pid);
  assert.equal(ppid, Deno.pid);
  assert.match(name, /^pagelets \d+$/);
  assert.equal(read, "granted");
  assert.notEqual(env, "granted");
});

Deno.test("a busy loop in a process costs its own request and no core beyond its deadline", async () => {
  await using site = await open();
  const before = site.pool().crew.map(({ id }) => id);
  const spinning = ask(site, "/spin", 150);
  await site.run(({ store }) => until(() => store.has("spins")));
  const others = await Promise.all(Array.from({ length: 20 }, () => ask(site, "/well")));
  const { code, ms } = await spinning;
  assert.equal(code, 504);
  await until(() => site.pool().ends.length === 1);
  const [end] = site.pool().ends;
  assert.equal(end!.reason, "stuck");
  assert.ok(before.includes(end!.worker));
  assert.ok(ms < LONGEST_MS);
  assert.deepEqual(others.map(({ code }) => code), Array(20).fill(200));
  const { leaked, healthLevel } = site.box.status();
  assert.deepEqual([leaked, site.pool().leaked, healthLevel], [0, 0, 100]);
  await until(() => site.pool().workers === 2);
});

Deno.test("a process that spins has ended soon after its deadline", async () => {
  await using site = await open({ workers: 1 });
  const pid = site.pool().crew[0]!.pid!;
  const { code } = await ask(site, "/spin", 100);
  const answered = performance.now();
  assert.equal(code, 504);
  assert.ok(await hasGone(pid));
  const ms = performance.now() - answered;
  assert.ok(ms <= 250, `the process was there for ${ms} ms more`);
});

Deno.test("a heap bomb in a process costs its own request and a restart", async () => {
  await using site = await open({ maxHeapMb: 48 });
  const bomb = ask(site, "/bomb");
  const others = await Promise.all(Array.from({ length: 50 }, () => ask(site, "/well")));
  const { code, error } = await bomb;
  assert.equal(code, 500);
  assert.match(error!.message, /exhausted its heap of 48 MB \(maxHeapMb\)/);
  assert.deepEqual(others.map(({ code }) => code), Array(50).fill(200));
  await until(() => site.pool().workers === 2);
  assert.equal(site.box.status().leaked, 0);
});

Deno.test("requests that spin and exhaust the heap make none of the others fail", async () => {
  await using site = await open({ maxHeapMb: 48, workers: 3, queueLimit: 1000 });
  const wrong = (n: number) => n % 100 === 30 ? "/spin" : n % 100 === 60 ? "/bomb" : "/well";
  let next = 0;
  const seen: Record<string, number[]> = { "/spin": [], "/bomb": [], "/well": [] };
  await Promise.all(Array.from({ length: 6 }, async () => {
    while (next < 300) {
      const path = wrong(next++);
      const { code } = await ask(site, path, path === "/spin" ? 500 : undefined);
      seen[path]!.push(code);
    }
  }));
  assert.deepEqual(seen["/well"], Array(294).fill(200));
  assert.deepEqual(seen["/spin"], [504, 504, 504]);
  assert.deepEqual(seen["/bomb"], [500, 500, 500]);
});

Deno.test("bodies cross to a process and back, in parts and through nested pagelets", async () => {
  await using site = await open();
  await site.run(async ({ pagelets }) => {
    const body = crypto.getRandomValues(new Uint8Array(65_536));
    const parts = () => {
      let left = 40;
      return new ReadableStream<Uint8Array>({
        pull: (controller) => left-- > 0 ? controller.enqueue(body) : controller.close(),
      }, { highWaterMark: 0 });
    };
    assert.equal(await pagelets.start("/length", { body: parts() }).text(), `${40 * 65_536}`);
    const echo = await pagelets.start("/echo", { body: parts() }).response();
    const echoed = new Uint8Array(await echo.arrayBuffer());
    assert.equal(echoed.length, 40 * 65_536);
    assert.deepEqual(echoed.subarray(-65_536), body);
    const large = new ReadableStream<Uint8Array>({
      start(controller) {
        controller.enqueue(new Uint8Array(3_000_000).fill(7));
        controller.close();
      },
    });
    const whole = await (await pagelets.start("/echo", { body: large }).response()).bytes();
    assert.ok(whole.length === 3_000_000 && whole.every((byte) => byte === 7));
    const text = "x".repeat(300_000);
    assert.equal(await pagelets.start("/nested", { body: text }).text(), text);
  });
  await site.quiet();
  assert.deepEqual(site.pool().ends, []);
});

Deno.test("a body that nobody reads, and one that breaks off, leave a process as it was", async () => {
  await using site = await open({ workers: 1 });
  await site.run(async ({ pagelets }) => {
    const unread = await pagelets.start("/echo", { body: new ReadableStream() }).response();
    await unread.body!.cancel();
    const broken = new ReadableStream({
      pull(controller) {
        controller.error(new RangeError("broken off"));
      },
    });
    const task = pagelets.start("/length", { body: broken });
    assert.equal((await task.result()).code, 500);
    assert.match(task.error!.message, /broken off/);
    const unused = pagelets.start("/unknown", { body: new ReadableStream() });
    assert.equal((await unused.result()).code, 404);
    assert.equal(await pagelets.start("/well").text(), "well");
  });
  await site.quiet();
});

Deno.test("tasks that one process runs at once are as many as its pool says", async () => {
  await using site = await open({ workers: 1, concurrency: 3 });
  await site.run(async ({ pagelets, store }) => {
    const waiting = Array.from({ length: 5 }, () => pagelets.start("/waits"));
    await until(() => site.pool().crew[0]!.tasks.length === 3);
    assert.deepEqual([site.pool().queued, site.pool().workers], [2, 1]);
    await store.set("go on", true);
    assert.deepEqual(
      await Promise.all(waiting.map((task) => task.text())),
      Array(5).fill("waited"),
    );
  });
});

Deno.test("nothing of the store is kept near in a process", async () => {
  await using site = await open();
  assert.equal((await ask(site, "/near")).body, "null");
});

Deno.test("resources of a process are its own, and end in order with it", async () => {
  await using dir = await tempDir();
  const path = `${dir.path}/file`;
  {
    await using site = await open({ workers: 1, permissions: { write: [dir.path] } });
    const { code, body } = await ask(site, `/resource?path=${path}`);
    assert.deepEqual([code, body], [200, "1"]);
    await assert.rejects(Deno.stat(path), Deno.errors.NotFound);
  }
  assert.equal(await Deno.readTextFile(path), "destroyed");
});

Deno.test("a message refuses by name what cannot leave a process", async (t) => {
  await using site = await openSite({
    xbox: {
      document: fixture("processes/xbox.ts"),
      isolation: "process",
      workers: 1,
      session: "request",
    },
  });
  // In a page these do not become a message, whatever is to take it.
  const never = ["a stream", "a port", "a URL"];
  const named: Record<string, RegExp> = {
    "shared memory": /SharedArrayBuffer/,
    "a view of shared memory": /SharedArrayBuffer/,
    "a WebAssembly.Module": /WebAssembly\.Module|wasm_module/,
    "a stream": /ReadableStream/,
    "a port": /MessagePort/,
  };
  for (const [name, make] of Object.entries(VALUES)) {
    const word = named[name] ?? new RegExp(name.replace("a ", ""));
    await t.step(`${name}, in its answer and in the message`, async () => {
      await site.run(async ({ xbox }) => {
        const { code, error } = await xbox.start(name).result();
        assert.equal(code, 500);
        assert.match(error!.message, word);
        if (!never.includes(name)) {
          const sent = await xbox.start(make()).result();
          assert.equal(sent.code, 500);
          assert.match(sent.error!.message, word);
        }
        assert.equal(await xbox.send("well"), "carried");
      });
    });
  }
  assert.deepEqual(site.pool("xbox").ends, []);
});

Deno.test("a document in a process finds what the nearest deno.json maps", async () => {
  await using dir = await tempDir();
  const write = (name: string, text: string) => Deno.writeTextFile(`${dir.path}/${name}`, text);
  await Deno.mkdir(`${dir.path}/deep`);
  await write("deno.json", `{ "imports": { "mapped": "./mapped.ts" } }`);
  await write("mapped.ts", `export const value = "mapped";`);
  await write("deep/xbox.ts", `import { value } from "mapped"; export default () => value;`);
  const document = `file://${dir.path}/deep/xbox.ts`;
  await using site = await openSite({ xbox: { document, isolation: "process", workers: 1 } });
  await site.run(async ({ xbox }) => assert.equal(await xbox.send("x"), "mapped"));
});

Deno.test("pages run in processes", async () => {
  await using site = await openSite({
    pages: { document: fixture("processes/pagelets.ts"), isolation: "process", workers: 1 },
  });
  const { pid } = JSON.parse((await site.get("/where")).text);
  assert.equal(pid, site.pool("pages").crew[0]!.pid);
  const { status, text } = await site.get("/echo", { method: "POST", body: "x".repeat(500_000) });
  assert.deepEqual([status, text.length], [200, 500_000]);
});

for (const spares of [0, 1]) {
  Deno.test({
    name: `a box that may not start processes says so when it boots, with ${spares} spares`,
    permissions: { read: true, net: ["127.0.0.1"] },
    fn: async () => {
      await assert.rejects(open({ spares }), {
        code: "BOOT_FAILED",
        message: /run with --allow-run=deno --allow-env=NODE_V8_COVERAGE/,
      });
    },
  });
  Deno.test({
    name: `a process gets nothing that the box may not do, with ${spares} spares`,
    permissions: { read: true, net: ["127.0.0.1"], run: ["deno"], env: true },
    fn: async () => {
      for (
        const [permissions, what] of [
          [{ net: true }, /{"net":true} exceed the box's own, which do not grant net$/],
          [{ net: ["127.0.0.1", "a.test"] }, /do not grant net of a\.test$/],
          [{ write: [new URL("file:///tmp/x")] }, /do not grant write of/],
          [{ run: ["sh"] }, /do not grant run of sh$/],
        ] as const
      ) {
        await assert.rejects(
          open({ spares, permissions: permissions as never }),
          (error: Error) => {
            assert.match(error.message, what);
            return (error.cause as { code?: string }).code === "PERMISSION_ESCALATION";
          },
        );
      }
    },
  });
}

Deno.test("a signal that asks the whole group to end leaves the workers to their box", async () => {
  await using site = await open({ workers: 1 });
  const { pid } = JSON.parse((await ask(site, "/where")).body);
  for (const signal of ["INT", "TERM", "HUP"]) {
    const { success } = await new Deno.Command("sh", {
      args: ["-c", `kill -${signal} ${pid}`],
    }).output();
    assert.ok(success);
  }
  assert.equal(JSON.parse((await ask(site, "/where")).body).pid, pid);
  assert.deepEqual(site.pool().ends, []);
});

Deno.test("a process ends with the box that started it, also while it spins", async () => {
  const source = `
    import { createSite, serve } from ${
    JSON.stringify(new URL("../../../mod.ts", import.meta.url).href)
  };
    const document = ${JSON.stringify(fixture("processes/pagelets.ts").href)};
    const site = createSite({ store: { url: ":memory:" },
      pagelets: { document, isolation: "process", workers: 2, deadlineMs: 0 } });
    site.app.get("/spin", async (c) => {
      const task = c.var.pagelets.start("/spin");
      while (!await c.var.store.has("spins")) await new Promise((resolve) => setTimeout(resolve, 3));
      return c.text("spins");
    });
    const box = await serve(site, { port: 0, log: { debug() {}, info() {}, warn() {}, error() {} } });
    await (await fetch(new URL("/spin", box.url))).text();
    console.log(JSON.stringify(box.status().pools.pagelets.crew.map(({ pid }) => pid)));
    Deno.kill(Deno.pid, "SIGKILL");
  `;
  const flags = [...BOX_FLAGS.filter((flag) => !flag.startsWith("--allow-env")), "--allow-env"];
  const args = ["run", "--quiet", "--no-check", ...flags, "--allow-run=deno"];
  args.push("--unstable-kv", "--unstable-worker-options");
  args.push(`data:text/javascript,${encodeURIComponent(source)}`);
  const { stdout, stderr } = await runDeno(args);
  const pids: number[] = JSON.parse(stdout || JSON.stringify(stderr));
  assert.equal(pids.length, 2, stderr);
  for (const pid of pids) assert.ok(await hasGone(pid), `process ${pid} is still there`);
});

/** Waits until there is no process of that number; says whether that came true. */
async function hasGone(pid: number): Promise<boolean> {
  const look = `tries=0
while kill -0 ${pid}; do
  tries=$((tries + 1))
  [ $tries -gt 1000 ] && exit 1
  sleep 0.01
done`;
  const { success } = await new Deno.Command("sh", { args: ["-c", look], stderr: "null" }).output();
  return success;
}
