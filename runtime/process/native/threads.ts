/**
 * The threads of this process, as the kernel tells of them.
 *
 * @module
 */

import { listFolder, readText } from "./files.ts";
import type { Libc } from "./libc.ts";
import { signalsOf } from "./structs.ts";

/** One thread. */
export interface Thread {
  /** Its name. */
  name: string;
  /** The signals that it has blocked, in ascending order. */
  blocked: number[];
}

/** Lists the threads that live now. One that ends meanwhile is left out. */
export function listThreads(libc: Libc): Thread[] {
  return listFolder(libc, "/proc/self/task").flatMap((id) => {
    const text = readText(libc, `/proc/self/task/${id}/status`);
    const name = /^Name:\t(.*)$/m.exec(text)?.[1];
    const blocked = /^SigBlk:\t([0-9a-f]{16})$/m.exec(text)?.[1];
    return name === undefined || blocked === undefined ? [] : [{ name, blocked: bits(blocked) }];
  });
}

/** The signals that all of them have blocked. */
export function blockedEverywhere(threads: readonly Thread[]): number[] {
  const [first, ...rest] = threads;
  return (first?.blocked ?? []).filter((signo) =>
    rest.every(({ blocked }) => blocked.includes(signo))
  );
}

/** The kernel writes the highest signal first. */
function bits(hex: string): number[] {
  return signalsOf(Uint8Array.fromHex(hex).reverse());
}
