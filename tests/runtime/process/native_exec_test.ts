import assert from "node:assert/strict";
import * as pcntl from "../../../runtime/process/mod.ts";
import { tempDir } from "../../support/temp_dir.ts";
import { HAS_NATIVE, runNative } from "./native_support.ts";
import { startScript } from "./process_support.ts";

const REPLACE = '{ mode: "replace" }';

/** A test of what only exists where there is a native backend. */
function test(name: string, run: () => Promise<void>): void {
  Deno.test({ name, ignore: !HAS_NATIVE, fn: run });
}

/** Reads one line of `/proc/self/status` as signals; 32 and 33 belong to the C library. */
function signals(status: string, name: string): number[] {
  const bits = BigInt(`0x${new RegExp(`^${name}:\\t(.*)$`, "m").exec(status)![1]}`);
  return Array.from({ length: 64 }, (_, index) => index + 1)
    .filter((signo) => signo !== 32 && signo !== 33 && (bits >> BigInt(signo - 1)) & 1n);
}

test("exec() in mode replace keeps the pid, hands over the arguments exactly, and ends as the program does", async () => {
  await using program = startScript(
    `using native = pcntl.useNative();
    const script = 'printf "%s\\\\n" "$$" "$0" "$@"; exit 7';
    await pcntl.exec("/bin/sh", ["-c", script, "zéro", "a b", "", 7, '"$x"'], undefined, ${REPLACE});
    console.log("returned");`,
    ["--allow-ffi"],
  );
  const { code, stdout, stderr } = await program.output();
  assert.deepEqual(stdout.split("\n"), [`${program.pid}`, "zéro", "a b", "", "7", '"$x"', ""]);
  assert.deepEqual([code, stderr], [7, ""]);
});

test("exec() in mode replace gives exactly the environment that it is given, or ours", async () => {
  const exact = await runNative(
    `await pcntl.exec("/usr/bin/env", [], { A: "1", "B C": "x=y", E: "", 5: 6 }, ${REPLACE});`,
  );
  assert.deepEqual(exact.stdout.split("\n").sort(), ["", "5=6", "A=1", "B C=x=y", "E="]);
  const ours = await runNative(
    `Deno.env.set("TANDEM_X", "y z"); await pcntl.exec("/usr/bin/env", [], undefined, ${REPLACE});`,
    ["--allow-env"],
  );
  assert.match(ours.stdout, /^TANDEM_X=y z$/m);
  assert.match(ours.stdout, /^PATH=/m);
});

test("exec() in mode replace starts the program with default actions and no mask, but for what was asked", async () => {
  const plain = await runNative(
    `pcntl.signal("SIGUSR2", () => {});
    pcntl.sigprocmask(pcntl.SIG_BLOCK, ["SIGINT"]);
    await pcntl.exec("/bin/cat", ["/proc/self/status"], undefined, ${REPLACE});`,
  );
  assert.match(plain.stdout, /^Threads:\t1$/m, plain.stderr);
  assert.deepEqual(["SigIgn", "SigBlk"].map((name) => signals(plain.stdout, name)), [[], []]);
  const asked = await runNative(
    `pcntl.signal("SIGHUP", pcntl.SIG_IGN);
    const options = { mode: "replace", mask: ["SIGUSR2", 40] };
    await pcntl.exec("/bin/cat", ["/proc/self/status"], undefined, options);`,
  );
  assert.deepEqual(signals(asked.stdout, "SigIgn"), [pcntl.SIGHUP], asked.stderr);
  assert.deepEqual(signals(asked.stdout, "SigBlk"), [pcntl.SIGUSR2, 40]);
});

test("exec() in mode replace hands the alarm over, and ends by the signal that ends the program", async () => {
  const { signal } = await runNative(
    `pcntl.alarm(1); await pcntl.exec("/bin/sleep", ["30"], undefined, ${REPLACE});`,
  );
  assert.equal(signal, "SIGALRM");
});

test("exec() in mode replace runs listeners of unload", async () => {
  const { stdout } = await runNative(
    `addEventListener("unload", () => console.log("unload"));
    await pcntl.exec("/nonexistent", [], undefined, ${REPLACE});
    console.log("still here");
    await pcntl.exec("/bin/echo", ["echo"], undefined, ${REPLACE});`,
  );
  assert.equal(stdout, "still here\nunload\necho\n");
});

test("exec() in mode replace returns false if it fails, and everything is as before", async () => {
  await using folder = await tempDir();
  const { path } = folder;
  await Deno.writeTextFile(`${path}/text`, "exit 5\n", { mode: 0o755 });
  await Deno.writeTextFile(`${path}/plain`, "#!/bin/sh\n", { mode: 0o644 });
  const code = `
    const status = () => Deno.readTextFileSync("/proc/self/status").match(/^Sig(Blk|Ign).*/mg).join();
    pcntl.alarm(100);
    pcntl.signal("SIGUSR2", () => console.log("handled"));
    pcntl.signal("SIGHUP", pcntl.SIG_IGN);
    const before = status();
    const calls = ["${path}/none", "", "${path}/text/x", "${path}", "${path}/plain", "${path}/text", "/" + "x".repeat(300)];
    for (const call of calls) {
      const result = await pcntl.exec(call, [], undefined, { mode: "replace", mask: [12, 50] });
      console.log(result, pcntl.strerror(pcntl.getLastError()));
    }
    console.log(await pcntl.exec("${path}/text", ["x".repeat(3e6)], {}, ${REPLACE}), pcntl.getLastError());
    console.log(status() === before, pcntl.alarm(0));
    pcntl.configure({ throwOnError: true });
    await pcntl.exec(calls[0], [], undefined, ${REPLACE}).catch((error) => console.log(error.code));
    Deno.kill(Deno.pid, "SIGUSR2");
    await pcntl.checkpoint();
    pcntl.asyncSignals(true);
    const child = start({ exit: 3 });
    console.log((await child.wait()).status);
    pcntl.signal("SIGUSR2", pcntl.SIG_DFL);
    pcntl.signal("SIGHUP", pcntl.SIG_DFL);`;
  const { stdout, stderr } = await runNative(code, ["--allow-all"]);
  const texts = [
    "No such file or directory",
    "No such file or directory",
    "Not a directory",
    "Permission denied",
    "Permission denied",
    "Exec format error",
    "File name too long",
  ];
  assert.deepEqual(stdout.split("\n"), [
    ...texts.map((text) => `false ${text}`),
    `false ${pcntl.E2BIG}`,
    "true 100",
    "ENOENT",
    "handled",
    `${3 << 8}`,
    "",
  ], stderr);
});

test("exec() in mode replace refuses while Workers run or children were not waited for", async () => {
  const code = `
    const attempt = () =>
      pcntl.exec("/bin/echo", ["replaced"], undefined, ${REPLACE}).catch((error) => show([error.code, error.message]));
    const child = start({});
    await attempt();
    await child.wait();
    const worker = new Worker("data:text/javascript,setInterval(() => {}, 1000); postMessage(1)", { type: "module" });
    await new Promise((resolve) => worker.onmessage = resolve);
    await attempt();
    await pcntl.exec("/bin/echo", ["replaced"], undefined, { mode: "replace", force: true });`;
  const { stdout, stderr } = await runNative(code);
  const [children, workers, replaced] = stdout.split("\n");
  assert.match(children!, /^\["ENOSYS","Cannot exec: there are children/, stderr);
  assert.match(workers!, /^\["ENOSYS","Cannot exec: 1 Worker/);
  assert.equal(replaced, "replaced");
});

test("exec() in mode replace checks its arguments before anything happens", async () => {
  const code = `
    addEventListener("unload", () => console.log("unload"));
    const calls = [["a\\0b"], ["/bin/echo", ["a\\0b"]], ["/bin/echo", [], { "a\\0b": "" }], ["/bin/echo", [], { a: "\\0" }],
      ["/bin/echo", {}], ["/bin/echo", [{}]], ["/bin/echo", [], {}, { mask: [65] }], ["/bin/echo", [], {}, { mode: "fork" }]];
    const ends = [];
    for (const [path, args = [], env, options] of calls) {
      const call = pcntl.exec(path, args, env, { mode: "replace", ...options });
      ends.push(await call.catch((error) => error.name));
    }
    show(ends);
    Deno.exit(0);`;
  const R = "RangeError", T = "TypeError";
  const { stdout } = await runNative(code);
  assert.equal(stdout.split("\n")[0], JSON.stringify([R, R, R, R, T, T, R, T]));
});
