import assert from "node:assert/strict";
import * as pcntl from "../../../runtime/process/mod.ts";
import { type TempDir, tempDir } from "../../support/temp_dir.ts";
import { runScript, scope, startScript } from "./process_support.ts";

const SH = "/bin/sh";
const RUN = [`--allow-run=${SH}`];

/** A folder with programs that do not start. */
async function programs(): Promise<TempDir> {
  const folder = await tempDir();
  const { path } = folder;
  await Deno.writeTextFile(`${path}/text`, "exit 5\n", { mode: 0o755 });
  await Deno.writeTextFile(`${path}/empty`, "", { mode: 0o755 });
  await Deno.writeTextFile(`${path}/plain`, "#!/bin/sh\n", { mode: 0o644 });
  await Deno.writeTextFile(`${path}/script`, "#!/bin/sh\nexit 6\n", { mode: 0o755 });
  const args = ["-c", "ln -s loop loop"]; // for Deno to make one takes more than the tests may do
  await new Deno.Command("sh", { args, cwd: path }).output();
  return folder;
}

const ENDS: [string, string, number, Deno.Signal | null][] = [
  ["its code", "exit 9", 9, null],
  ["success", "exit 0", 0, null],
  ["the code of a shell for SIGTERM", "exit 143", 143, null],
  ["its signal", "kill -TERM $$", 143, "SIGTERM"],
  ["a signal that cannot be handled", "kill -KILL $$", 137, "SIGKILL"],
  ["a real-time signal", "kill -34 $$", 162, null],
];

Deno.test.each(ENDS)("exec() ends with %s", async (_name, script, code, signal) => {
  const ended = await runScript(
    `pcntl.signal("SIGTERM", () => {});
    pcntl.sigprocmask(pcntl.SIG_BLOCK, ["SIGTERM"]);
    await pcntl.exec("${SH}", ["-c", ${JSON.stringify(script)}]);
    console.log("returned");`,
    RUN,
  );
  assert.deepEqual([ended.code, ended.signal, ended.stdout], [code, signal, ""], ended.stderr);
});

Deno.test("exec() hands over arguments and output, and our environment or another", async () => {
  const call = (env: string) =>
    runScript(
      `await pcntl.exec("${SH}", ["-c", 'echo "$#:$1:$2:$A:$NO_COLOR"', "zero", "a b", 7]${env});`,
      RUN,
    );
  assert.equal((await call("")).stdout, "2:a b:7::1\n");
  assert.equal((await call(', { A: "b", C: 1 }')).stdout, "2:a b:7:b:\n");
});

Deno.test("exec() sends signals on, and runs no handler of ours", async () => {
  await using program = startScript(
    `pcntl.signal("SIGTERM", () => console.log("handler"));
    pcntl.asyncSignals(true);
    await pcntl.exec("${SH}", ["-c", 'trap "echo term; exit 3" TERM; echo ready; while :; do sleep 0.02; done']);`,
    RUN,
  );
  await program.stdout.line(/ready/);
  program.kill("SIGTERM");
  const { code, stdout } = await program.output();
  assert.deepEqual([code, stdout], [3, "ready\nterm\n"]);
});

Deno.test("exec() hands the alarm over, and keeps what is ignored ignored", async () => {
  const { signal, stdout } = await runScript(
    `pcntl.signal("SIGTERM", pcntl.SIG_IGN);
    pcntl.alarm(1);
    await pcntl.exec("${SH}", ["-c", 'kill -TERM $PPID; echo alive; exec sleep 9']);`,
    RUN,
  );
  assert.deepEqual([signal, stdout], ["SIGALRM", "alive\n"]);
});

Deno.test("exec() returns false if it cannot start the program, and the runtime goes on", async () => {
  await using folder = await programs();
  const { path } = folder;
  const code = `
    const calls = ["${path}/none", "", "${path}/text/x", "${path}", "${path}/plain", "${path}/text",
      "${path}/empty", "${path}/loop", "/" + "x".repeat(300), "${path}/script"];
    pcntl.signal("SIGUSR2", () => console.log("handled"));
    for (const path of calls.slice(0, -1)) {
      const result = await pcntl.exec(path);
      console.log(result, pcntl.strerror(pcntl.getLastError()));
    }
    console.log(await pcntl.exec(calls.at(-1), ["x".repeat(3e6)]), pcntl.strerror(pcntl.getLastError()));
    pcntl.configure({ throwOnError: true });
    await pcntl.exec(calls[0]).catch((error) => console.log(error.code, error.cause.name));
    pcntl.kill(Deno.pid, "SIGUSR2");
    pcntl.signalDispatch();
    await pcntl.exec(calls.at(-1));`;
  const ended = await runScript(code, ["--allow-run", `--allow-read=${path}`]);
  const lines = [
    "No such file or directory",
    "No such file or directory",
    "Not a directory",
    "Permission denied",
    "Permission denied",
    "Exec format error",
    "Exec format error",
    "Too many levels of symbolic links",
    "File name too long",
    "Argument list too long",
  ];
  assert.equal(
    ended.stdout,
    [...lines.map((line) => `false ${line}`), "ENOENT NotFound", "handled", ""].join("\n"),
    ended.stderr,
  );
  assert.equal(ended.code, 6);
});

Deno.test("exec() says ETXTBSY of a program that is being written", async () => {
  await using folder = await tempDir();
  const path = `${folder.path}/program`;
  await Deno.copyFile(await Deno.realPath(SH), path);
  await Deno.chmod(path, 0o755);
  const { stdout, stderr } = await runScript(
    `using file = await Deno.open("${path}", { append: true });
    console.log(await pcntl.exec("${path}"), pcntl.getLastError());`,
    ["--allow-run", `--allow-read=${path}`, `--allow-write=${path}`],
  );
  assert.equal(stdout, `false ${pcntl.ETXTBSY}\n`, stderr);
});

Deno.test("exec() passes on that a permission is missing", async () => {
  const { stdout } = await runScript(`
    await pcntl.exec("${SH}").catch((error) => console.log(error instanceof Deno.errors.NotCapable));
    console.log(pcntl.getLastError());`);
  assert.equal(stdout, "true\n0\n");
});

Deno.test("exec() refuses wrong arguments before anything happens", async () => {
  await using _ = scope();
  for (const args of ["x", {}, null]) {
    await assert.rejects(pcntl.exec(SH, args as string[]), TypeError);
  }
  for (const value of [{}, null, undefined, true, Symbol("s")]) {
    await assert.rejects(pcntl.exec(SH, [value as string]), TypeError);
    await assert.rejects(pcntl.exec(SH, [], { A: value as string }), TypeError);
    await assert.rejects(pcntl.exec(value as string), TypeError);
  }
  await assert.rejects(pcntl.exec(SH, [], null as unknown as Record<string, string>), TypeError);
  await assert.rejects(pcntl.exec("a\0b"), RangeError);
  await assert.rejects(pcntl.exec(SH, ["a\0b"]), RangeError);
  await assert.rejects(pcntl.exec(SH, [], { "a\0b": "c" }), RangeError);
  await assert.rejects(pcntl.exec(SH, [], { a: "b\0c" }), RangeError);
  const replace = pcntl.exec(SH, [], {}, { mode: "replace" });
  await assert.rejects(replace, { name: "PcntlError", code: "ENOSYS" });
});
