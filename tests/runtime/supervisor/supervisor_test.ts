import assert from "node:assert/strict";
import { load } from "../../support/load.ts";
import { HeldRequest } from "../../support/loopback.ts";
import {
  isRunning,
  killProcess,
  MACHINE_SITE,
  startMachine,
  startMachineProgram,
  untilGone,
} from "../../support/machine.ts";
import { MOD, runDeno } from "../../support/program.ts";
import { tempDir } from "../../support/temp_dir.ts";

/** Runs something under load, and ends the load afterwards. */
async function underLoad<T>(url: string, connections: number, work: () => Promise<T>) {
  const abort = new AbortController();
  const loaded = load(url, { connections, signal: abort.signal });
  try {
    const value = await work();
    abort.abort();
    return { value, result: await loaded };
  } finally {
    abort.abort();
    await loaded;
  }
}

Deno.test("Boxes share a port, a store and the work", async () => {
  await using machine = await startMachine();
  const pids = new Set<string>();
  while (pids.size < 2) {
    const response = await fetch(`${machine.url}pid`, { headers: { connection: "close" } });
    pids.add(await response.text());
  }
  const { boxes, serving, wanted } = await machine.status();
  assert.deepEqual([serving, wanted], [2, 2]);
  assert.deepEqual(new Set(boxes.map(({ pid }) => String(pid))), pids);
  assert.equal(boxes.filter(({ leads }) => leads).length, 1);
  const counts = await Promise.all(Array.from({ length: 20 }, () => machine.get("count")));
  assert.deepEqual(
    counts.map(Number).sort((a, b) => a - b),
    Array.from({ length: 20 }, (_, i) => i + 1),
  );
  assert.equal(await machine.get(""), "<p><b>a</b><b>b</b></p>");
});

Deno.test("All boxes are replaced under load without a failed request", async () => {
  await using machine = await startMachine();
  const before = await machine.status();
  const { value, result } = await underLoad(machine.url, 8, async () => {
    assert.deepEqual(await machine.command("reload"), { status: 200, text: "OK\n" });
    return await machine.status();
  });
  assert.deepEqual(result.failed, {}, machine.program.stderr.text);
  assert.equal(result.refused, 0);
  assert.ok(result.ok > 0);
  assert.equal(value.replacements, 2);
  const old = before.boxes.map(({ pid }) => pid);
  for (const pid of old) await untilGone(pid);
  assert.ok(value.boxes.every(({ pid }) => !old.includes(pid)));
});

Deno.test("A box that is killed costs its own requests only, and is started again", async () => {
  await using machine = await startMachine();
  const [victim] = (await machine.status()).boxes;
  const { result } = await underLoad(machine.url, 8, async () => {
    killProcess(victim!.pid);
    await machine.until(({ serving, restarts }) => serving === 2 && restarts === 1);
  });
  assert.equal(result.refused, 0);
  const inFlight = result.failures.filter(({ isFirst }) => !isFirst);
  assert.ok(inFlight.length <= 8, `failed: ${JSON.stringify(result.failed)}`);
});

Deno.test("New code that does not boot leaves the boxes before in service", async () => {
  await using temp = await tempDir();
  const folder = temp.path;
  const site = `${folder}/site.ts`;
  const code = (text: string) =>
    `import { createSite } from "file://${MOD}";\n${text}\n` +
    `const site = createSite({ name: "rolled" });\n` +
    `site.app.get("/", (c) => c.text("version 1"));\nexport default site;\n`;
  await Deno.writeTextFile(site, code(""));
  const may = [`--allow-read=${folder},${MOD.slice(0, -"mod.ts".length)}`];
  await using machine = await startMachine({ site, flags: may, boxFlags: may });
  await Deno.writeTextFile(site, code(`throw new Error("not yet");`));
  const { value, result } = await underLoad(machine.url, 4, () => machine.command("reload"));
  assert.equal(value.status, 500);
  assert.match(value.text, /Cannot reload: .*site\.ts.*not yet/);
  assert.deepEqual(result.failed, {});
  const port = new URL(machine.admin).port;
  const asked = (name: string) =>
    runDeno(["run", "--no-prompt", "--allow-net=127.0.0.1", MOD, name, "--admin-port", port]);
  const reloaded = await asked("reload");
  assert.equal(reloaded.code, 1);
  assert.match(reloaded.stderr, /^tandem: Cannot reload: .*site\.ts.*not yet/m);
  assert.equal(JSON.parse((await asked("status")).stdout).serving, 2);
  const { serving, lastFailure, replacements } = await machine.status();
  assert.deepEqual([serving, replacements], [2, 0]);
  assert.match(lastFailure!, /not yet/);
  assert.equal(await machine.get(""), "version 1");
});

Deno.test("A box with a stuck worker is replaced, and its core is free again", async () => {
  await using machine = await startMachine();
  const before = await machine.status();
  const response = await fetch(`${machine.url}bad/spin`);
  await response.body?.cancel();
  assert.equal(response.status, 504);
  const { boxes } = await machine.until(({ replacements, serving }) =>
    replacements === 1 && serving === 2
  );
  const gone = before.boxes.filter(({ pid }) => !boxes.some((box) => box.pid === pid));
  assert.ok(gone.length <= 1);
  await machine.until((status) =>
    before.boxes.filter(({ pid }) => status.boxes.some((box) => box.pid === pid)).length === 1
  );
});

Deno.test("A stream that is half way when its box is replaced is whole", async () => {
  await using machine = await startMachine();
  using held = await HeldRequest.open(`${machine.url}stream/60`, "line 59");
  assert.equal((await machine.command("reload")).status, 200);
  const text = await held.finish();
  assert.equal([...text.matchAll(/line \d+\n/g)].length, 60);
});

Deno.test("What runs once a machine moves when its box goes", async () => {
  await using machine = await startMachine();
  type Beat = { since: number; iteration: number };
  const beat = async () => JSON.parse(await machine.get("beats")) as Beat | null;
  const leaderOf = async () => (await machine.status()).boxes.find(({ leads }) => leads)?.pid;
  const first = await leaderOf();
  let before = await beat();
  while (before === null) before = await beat();
  killProcess(first!);
  await machine.until(({ boxes }) => boxes.some(({ leads, pid }) => leads && pid !== first));
  let after = await beat();
  while (after === null || after.since === before.since) after = await beat();
  assert.equal((await machine.status()).boxes.filter(({ leads }) => leads).length, 1);
});

Deno.test("Boxes drain when their supervisor is killed, and another one takes the port", async () => {
  await using machine = await startMachine();
  const { boxes } = await machine.status();
  machine.program.kill("SIGKILL");
  await machine.program.status;
  await using next = await startMachine({ port: Number(new URL(machine.url).port) });
  assert.equal(await next.get(""), "<p><b>a</b><b>b</b></p>");
  for (const { pid } of boxes) await untilGone(pid);
});

Deno.test("SIGTERM drains all boxes and ends the supervisor with 0", async () => {
  await using machine = await startMachine();
  const { boxes } = await machine.status();
  using held = await HeldRequest.open(`${machine.url}stream/20`, "line 19");
  machine.program.kill("SIGTERM");
  const text = await held.finish();
  assert.equal([...text.matchAll(/line \d+\n/g)].length, 20);
  assert.equal((await machine.program.status).code, 0);
  for (const { pid } of boxes) assert.equal(isRunning(pid), false);
});

Deno.test("A box that says it wants to go is replaced first", async () => {
  await using machine = await startMachine();
  const { boxes: [box] } = await machine.status();
  killProcess(box!.pid, "TERM");
  await machine.until(({ replacements, restarts }) => replacements === 1 && restarts === 0);
  await untilGone(box!.pid);
});

Deno.test("A box that stops answering is replaced and killed", async () => {
  await using machine = await startMachine();
  const { boxes: [box] } = await machine.status();
  killProcess(box!.pid, "STOP");
  await machine.until(({ replacements }) => replacements === 1);
  await untilGone(box!.pid);
});

Deno.test("Boxes whose first one cannot boot end the program with what went wrong", async () => {
  await using program = startMachineProgram({ site: "file:///nonesuch/site.ts" });
  const { code, stderr } = await program.output();
  assert.equal(code, 1);
  assert.match(stderr, /tandem: .*nonesuch\/site\.ts/);
});

Deno.test("A second supervisor is told that the port is taken", async () => {
  await using machine = await startMachine({ boxes: 1 });
  await using second = startMachineProgram({ port: Number(new URL(machine.url).port) });
  const { code, stderr } = await second.output();
  assert.equal(code, 1);
  assert.match(stderr, /Cannot listen on 127\.0\.0\.1:\d+: the address is in use/);
});

Deno.test("The admin port takes no command from a web page", async () => {
  await using machine = await startMachine({ boxes: 1 });
  const foreign = await fetch(`${machine.admin}stop`, {
    method: "POST",
    headers: { origin: "http://example.com" },
  });
  assert.equal(foreign.status, 403);
  await foreign.body?.cancel();
  await machine.until(({ boxes: [box] }) => box?.report !== undefined);
  const metrics = await (await fetch(`${machine.admin}metrics`)).text();
  assert.match(metrics, /^tandem_boxes_serving 1$/m);
  assert.match(metrics, /^tandem_box_rss_bytes\{slot="1",pid="\d+"\} \d+$/m);
  const health = await fetch(`${machine.admin}health`);
  assert.deepEqual([health.status, await health.json()], [200, {
    state: "serving",
    serving: 1,
    wanted: 1,
  }]);
});

Deno.test.each([
  [["status"], 2, /status needs --admin-port/],
  [
    ["stop", "--admin-port", "x"],
    2,
    /--admin-port must be a whole number from 1 to 65535, and "x"/,
  ],
  [["reload", "--admin-port", "1"], 1, /Cannot reach http:\/\/127\.0\.0\.1:1\/reload: /],
])("%j without a supervisor ends with %d", async (args, status, says) => {
  const { code, stderr } = await runDeno(["run", "--allow-net=127.0.0.1", MOD, ...args]);
  assert.equal(code, status);
  assert.match(stderr, says);
});

Deno.test("serve says what several boxes need", async () => {
  const { code, stderr } = await runDeno(["run", "--no-prompt", MOD, "serve", "--boxes", "2"]);
  assert.equal(code, 2);
  assert.match(stderr, /--boxes needs boxes that are processes; .*--box-flag=-P=serve/);
});

Deno.test("SIGHUP replaces all boxes", async () => {
  await using machine = await startMachine();
  const before = (await machine.status()).boxes.map(({ pid }) => pid);
  machine.program.kill("SIGHUP");
  const { boxes } = await machine.until(({ replacements, boxes, serving }) =>
    replacements === 2 && serving === 2 && boxes.length === 2
  );
  assert.ok(boxes.every(({ pid }) => !before.includes(pid)));
});

Deno.test.each([
  [["--max-age", "300"], /it has served for 300 ms/],
  [["--max-memory", "1"], /it takes more than 1048576 bytes of memory/],
])("%j replaces a box that is past it", async (args, says) => {
  await using machine = await startMachine({ boxes: 1, args });
  await machine.until(({ replacements }) => replacements > 0);
  assert.match(machine.program.stderr.text, says);
});

Deno.test("The store outlives the supervisor that owned it", async () => {
  await using temp = await tempDir();
  const root = MOD.slice(0, -"mod.ts".length);
  const may = [`--allow-read=${root},${temp.path}`, `--allow-write=${temp.path}`];
  const site = `${MACHINE_SITE}?store=${encodeURIComponent(`${temp.path}/data.db`)}`;
  const options = { site, flags: may, boxFlags: may };
  await using first = await startMachine(options);
  for (let count = 1; count <= 5; count++) assert.equal(await first.get("count"), String(count));
  first.program.kill("SIGKILL");
  await first.program.status;
  await using second = await startMachine(options);
  assert.equal(await second.get("count"), "6");
});
