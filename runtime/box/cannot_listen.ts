/**
 * Why a port cannot be had.
 *
 * @module
 */

import { messageOf } from "../errors.ts";

/** The message of an error for `cause`. */
export function cannotListen(hostname: string, port: number, cause: unknown): string {
  const what = `Cannot listen on ${hostname}:${port}`;
  if (cause instanceof Deno.errors.AddrInUse) return `${what}: the address is in use`;
  if (cause instanceof Deno.errors.NotCapable) {
    return `${what}: the permission --allow-net=${hostname}:${port} is missing`;
  }
  return `${what}: ${messageOf(cause)}`;
}
