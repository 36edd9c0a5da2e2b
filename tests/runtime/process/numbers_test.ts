import assert from "node:assert/strict";
import { constants } from "node:os";
import { fromErrorRecord, RuntimeError, toErrorRecord } from "../../../runtime/errors.ts";
import * as pcntl from "../../../runtime/process/mod.ts";
import { nameOf, numberOf } from "../../../runtime/process/signal_numbers.ts";
import { lacksPhp, runPhp } from "../../support/php.ts";
import { runScript, scope, throwsAs } from "./process_support.ts";

const NUMBERS: [string, number][] = Object.entries(pcntl)
  .filter((entry): entry is [string, number] => typeof entry[1] === "number");
const isLinux = Deno.build.os === "linux";

Deno.test("the numbers are those of the system", () => {
  const known: Record<string, number> = { ...constants.signals, ...constants.errno };
  const compared = NUMBERS.filter(([name]) => name in known);
  assert.ok(compared.length > 50);
  for (const [name, number] of compared) assert.equal(number, known[name], name);
});

Deno.test({
  name: "the numbers and texts are those of PHP",
  ignore: lacksPhp() || !isLinux,
  async fn() {
    const script = `
      foreach (get_defined_constants(true)["pcntl"] as $k => $v) $c[preg_replace("/^PCNTL_/", "", $k)] = $v;
      for ($i = -1; $i < 200; $i++) $t[] = pcntl_strerror($i);
      echo json_encode([$c, $t]);`;
    const [known, texts] = JSON.parse(await runPhp(script)) as [Record<string, number>, string[]];
    const compared = NUMBERS.filter(([name]) => name in known);
    assert.ok(compared.length > 70, String(compared.length));
    for (const [name, number] of compared) assert.equal(number, known[name], name);
    // ENOSYS has no constant in PHP, ENOENT has; what PHP has beside ours is for other
    // functions, or tells where hardware faults come from.
    const missing = Object.keys(known).filter((name) => !(name in pcntl));
    const others = /^(BUS|CLONE|FORK|FPE|ILL|P|POLL|SEGV|TRAP|W[A-Z]*)(_|$)/;
    assert.deepEqual(missing.filter((name) => !others.test(name)), []);
    assert.deepEqual(texts, texts.map((_, index) => pcntl.strerror(index - 1)));
  },
});

Deno.test("numberOf() knows aliases, and nameOf() the names that Deno has", () => {
  assert.equal(numberOf("SIGCLD"), pcntl.SIGCHLD);
  assert.equal(numberOf("SIGIOT"), pcntl.SIGABRT);
  for (const name of ["SIGNONE", "SIG", "toString", "SIG__proto__"]) {
    assert.equal(numberOf(name), -1);
  }
  assert.equal(nameOf(pcntl.SIGCHLD), "SIGCHLD");
  for (const signo of [0, 32, 34, 64, -1]) assert.equal(nameOf(signo), undefined);
});

Deno.test("strerror() takes whole numbers, and names one that there is not", () => {
  assert.equal(pcntl.strerror(0), "Success");
  assert.equal(pcntl.strerror(4711), "Unknown error 4711");
  assert.equal(pcntl.strerror(-5), "Unknown error -5");
  for (const number of [1.5, NaN, "2"]) throwsAs(() => pcntl.strerror(number as number), TypeError);
});

Deno.test("getLastError() is 0 at first, keeps the last failure, and success does not clear it", async () => {
  const { stdout } = await runScript(`
    const seen = [pcntl.getLastError()];
    pcntl.waitpidNow(-1);
    seen.push(pcntl.getLastError());
    pcntl.kill(Deno.pid, 0);
    seen.push(pcntl.getLastError(), pcntl.errno());
    console.log(seen.join());`);
  assert.equal(stdout, "0,10,10,10\n");
});

Deno.test("configure() makes failures throw, or tells of them, and checks what it is given", async () => {
  await using _ = scope();
  const told: unknown[][] = [];
  pcntl.configure({ onWarning: (...args) => told.push(args) });
  assert.equal(pcntl.waitpidNow(-1).pid, -1);
  assert.deepEqual(told, [["waitpidNow", 10, "Cannot waitpidNow: No child processes"]]);
  pcntl.configure({ throwOnError: true });
  assert.throws(() => pcntl.waitpidNow(-1), (error) => {
    assert.ok(error instanceof pcntl.PcntlError && error instanceof RuntimeError);
    assert.deepEqual([error.name, error.code, error.errno], ["PcntlError", "ECHILD", 10]);
    return true;
  });
  assert.equal(told.length, 1);
  throwsAs(() => pcntl.configure({ throwOnError: 1 as unknown as boolean }), TypeError);
  throwsAs(() => pcntl.configure({ onWarning: "x" as unknown as null }), TypeError);
  assert.throws(() => pcntl.waitpidNow(-1), pcntl.PcntlError);
  pcntl.configure({ throwOnError: false });
  assert.equal(pcntl.waitpidNow(-1).pid, -1);
});

Deno.test("a PcntlError keeps base class, name and code across isolates", () => {
  const back = fromErrorRecord(toErrorRecord(new pcntl.PcntlError("ESRCH", "m")));
  assert.ok(back instanceof RuntimeError);
  assert.deepEqual([back.name, back.code, back.message], ["PcntlError", "ESRCH", "m"]);
});

Deno.test("capabilities() promises nothing that takes native code", () => {
  assert.deepEqual(new Set(Object.values(pcntl.capabilities())), new Set([false]));
  assert.equal(Object.keys(pcntl.capabilities()).length, 10);
});
