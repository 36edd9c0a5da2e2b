/**
 * Ends what a file of benchmarks has started, when its last benchmark is over.
 *
 * `deno bench` has no hooks and lets nothing run after the `unload` event, so what is handed in must
 * do its work at once. Everything else, a box and its workers among it, ends with the isolate that
 * `deno bench` gives each file.
 *
 * @module
 */

/** Calls `close` when the benchmarks of this file are over; what was handed in last goes first. */
export function atEnd(close: () => unknown): void {
  if (closers.length === 0) addEventListener("unload", closeAll);
  closers.push(close);
}

/** Makes a folder that is removed at the end. */
export async function tempFolder(): Promise<string> {
  const folder = await Deno.makeTempDir({ prefix: "tandem-bench-" });
  atEnd(() => Deno.removeSync(folder, { recursive: true }));
  return folder;
}

const closers: (() => unknown)[] = [];

function closeAll(): void {
  for (const close of closers.splice(0).reverse()) close();
}
