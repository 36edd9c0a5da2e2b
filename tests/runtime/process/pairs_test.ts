/**
 * The same small programs for PHP and for ours: what they print and how they end must be the same.
 *
 * A pair is `pairs/<name>.php` and `pairs/<name>.ts`. Where PHP 8.2 is not what newer ones are, the pair says so.
 */

import assert from "node:assert/strict";
import { lacksPhp } from "../../support/php.ts";
import { Program } from "../../support/program.ts";

const FOLDER = new URL("./pairs/", import.meta.url);
const FILES = [...Deno.readDirSync(FOLDER)].map(({ name }) => name).sort();
const NAMES = FILES.filter((file) => file.endsWith(".php")).map((file) => file.slice(0, -4));

/** What reaches any process, and what tells of users and priorities. */
const FLAGS = ["--no-prompt", "--allow-run", "--allow-sys=uid,getPriority,setPriority"];

/** How a program ended, and what it said. */
interface Seen {
  stdout: string;
  code: number;
  signal: Deno.Signal | null;
}

/** Runs a program to its end. */
async function run(command: string, args: string[]): Promise<Seen & { stderr: string }> {
  await using program = new Program(command, args);
  const { signal } = await program.status;
  return { ...await program.output(), signal };
}

/** What has to be the same; standard error does not, since warnings have words of their own. */
function seen({ stdout, code, signal }: Seen): Seen {
  return { stdout, code, signal };
}

Deno.test("each program for PHP has one for us beside it", () => {
  assert.ok(NAMES.length >= 18, String(NAMES.length));
  assert.deepEqual(FILES, NAMES.flatMap((name) => [`${name}.php`, `${name}.ts`]));
});

for (const name of NAMES) {
  Deno.test({
    name: `PHP and we do the same: ${name}`,
    // The numbers that are printed, and the realtime one among them, are those of Linux.
    ignore: lacksPhp() || Deno.build.os !== "linux",
    async fn() {
      const path = new URL(name, FOLDER).pathname;
      const [theirs, ours] = await Promise.all([
        run("php", ["-d", "display_errors=stderr", `${path}.php`]),
        run("deno", ["run", ...FLAGS, `${path}.ts`]),
      ]);
      const both = Deno.inspect({ ours, theirs }, { strAbbreviateSize: Infinity });
      assert.deepEqual(seen(ours), seen(theirs), both);
    },
  });
}
