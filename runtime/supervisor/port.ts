/**
 * The port that boxes share. Whoever may share a port is not told that somebody else has it, so that is found out
 * beforehand.
 *
 * @module
 */

import { cannotListen } from "../box/cannot_listen.ts";
import { RuntimeError } from "../errors.ts";

/** How long the boxes of a supervisor that is gone may take to give it up, in milliseconds. */
const LONGEST_MS = 5000;
const LOOK_MS = 20;

/**
 * Resolves when nobody listens on a port.
 *
 * @throws {RuntimeError} `BOOT_FAILED` if it cannot be had.
 */
export async function waitForPort(
  hostname: string,
  port: number,
  signal?: AbortSignal,
): Promise<void> {
  const end = performance.now() + LONGEST_MS;
  while (port !== 0) {
    signal?.throwIfAborted();
    try {
      return Deno.listen({ hostname, port }).close();
    } catch (cause) {
      if (cause instanceof Deno.errors.AddrInUse && performance.now() < end) {
        await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
        continue;
      }
      throw new RuntimeError("BOOT_FAILED", cannotListen(hostname, port, cause), { cause });
    }
  }
}
