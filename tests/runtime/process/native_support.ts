/**
 * Programs that use the native backend. The tests themselves may not: it would be full trust.
 *
 * @module
 */

import { Program, REPOSITORY } from "../../support/program.ts";
import { runScript, startScript } from "./process_support.ts";

/** Whether there is a native backend for this system. */
export const HAS_NATIVE = Deno.build.os === "linux" &&
  ["x86_64", "aarch64"].includes(Deno.build.arch);

/** What such a program may do. */
export const FLAGS: readonly string[] = ["--allow-ffi", "--allow-run", "--allow-read"];

const CHILD = new URL("./child_fixture.ts", import.meta.url).href;

const PRELUDE = `
  const native = pcntl.useNative();
  const start = (data, options = {}) =>
    pcntl.forkModule("${CHILD}", { stdout: "null", stderr: "null", ...options, data });
  const show = (value) => console.log(JSON.stringify(value));
`;

/** How a program ended, and what it wrote. */
export type Ended = Awaited<ReturnType<typeof runScript>>;

/** Runs a program that has turned the backend on, with `start()` for children and `show()` for values. */
export function runNative(code: string, flags: readonly string[] = []): Promise<Ended> {
  return runScript(PRELUDE + code, flags.includes("--allow-all") ? flags : [...FLAGS, ...flags]);
}

/** Starts one that had these signals blocked before it began: it replaces itself first. */
export function startMasked(code: string, mask: readonly (string | number)[]): Program {
  const args = ["run", "--no-prompt", ...FLAGS];
  const restart = `if (Deno.args.length === 0) {
    const args = [...${JSON.stringify(args)}, import.meta.url, "again"];
    const mask = ${JSON.stringify(mask)};
    await pcntl.exec(Deno.execPath(), args, undefined, { mode: "replace", mask });
  }`;
  return startScript(`${PRELUDE}${restart}${code}`, FLAGS);
}

/** Runs one to its end. */
export async function runMasked(code: string, mask: readonly (string | number)[]): Promise<Ended> {
  await using program = startMasked(code, mask);
  const { signal } = await program.status;
  return { ...await program.output(), signal };
}

/** Runs a program of the shell, with arguments. */
export async function runShell(
  script: string,
  args: readonly string[] = [],
  cwd: string = REPOSITORY,
): Promise<{ code: number; stdout: string; stderr: string }> {
  await using program = new Program("sh", ["-c", script, "sh", ...args], { cwd });
  return await program.output();
}

/** A data URL of a program that has turned the backend on. */
export function programUrl(code: string): string {
  const head = `import * as pcntl from "file://${REPOSITORY}runtime/process/mod.ts";\n${PRELUDE}`;
  return `data:application/typescript,${encodeURIComponent(head + code)}`;
}
