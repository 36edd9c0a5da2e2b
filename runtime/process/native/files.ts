/**
 * Reading what the kernel tells of this process below `/proc`. Deno lets nobody read that without all permissions.
 *
 * @module
 */

import { cString, type Libc } from "./libc.ts";

const O_CLOEXEC = 0o2000000;
const O_DIRECTORY = Deno.build.arch === "aarch64" ? 0o40000 : 0o200000;
const PART = 16384;

/** The numbers that a folder has entries for, as texts. */
export function listFolder(libc: Libc, path: string): string[] {
  const { call, numbers } = libc;
  const fd = call.open(cString(path), O_DIRECTORY | O_CLOEXEC, 0);
  if (fd < 0) throw new Error(`Cannot read ${path}: it does not open`);
  const names: string[] = [];
  const buffer = new Uint8Array(PART);
  const view = new DataView(buffer.buffer);
  const next = () => Number(call.getdents64(numbers.getdents64, fd, buffer, BigInt(PART)));
  try {
    for (let size; (size = next()) > 0;) {
      // Of an entry the length is at 16, and the name from 19 to the next zero.
      for (let at = 0; at < size; at += view.getUint16(at + 16, true)) {
        const name = buffer.subarray(at + 19, buffer.indexOf(0, at + 19));
        names.push(new TextDecoder().decode(name));
      }
    }
  } finally {
    call.close(fd);
  }
  return names.filter((name) => /^\d+$/.test(name));
}

/** The text of a file; empty if it is not there any more. */
export function readText(libc: Libc, path: string): string {
  const fd = libc.call.open(cString(path), O_CLOEXEC, 0);
  if (fd < 0) return "";
  const decoder = new TextDecoder();
  const buffer = new Uint8Array(PART);
  let text = "";
  for (let size; (size = Number(libc.call.read(fd, buffer, BigInt(PART)))) > 0;) {
    text += decoder.decode(buffer.subarray(0, size), { stream: true });
  }
  libc.call.close(fd);
  return text;
}
