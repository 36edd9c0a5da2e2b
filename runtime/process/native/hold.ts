/**
 * Keeps the end of a child from Deno until it has been looked at.
 *
 * Deno takes a child as soon as its event loop hears of the end, and then nothing is left to look at. Another thread that hears of it
 * at the same moment is too late now and then, and mostly so on a busy machine. So we find the entry of the child in Deno's own
 * `epoll` and turn it off; the thread of the poller turns it on again, as it was, when it has looked. The kernel tells of
 * such entries in `/proc/self/fdinfo`. Where there is none, as with another way of waiting in a later Deno, nothing is turned off,
 * and to look is a race again.
 *
 * @module
 */

import { listFolder, readText } from "./files.ts";
import type { Libc } from "./libc.ts";

const FOLDER = "/proc/self/fdinfo";
/** With more open files the first search costs too much, and to look stays a race. */
const MOST_FILES = 4096;
const EPOLL_CTL_MOD = 3;

/** Bytes of a `struct epoll_event` at most, and where its data is: packed on x86-64 only. */
export const EVENT_BYTES = 16;
const DATA_AT = Deno.build.arch === "x86_64" ? 4 : 8;

/** An entry of Deno that is turned off. */
export interface Hold {
  /** The descriptor of the `epoll`. */
  epoll: number;
  /** Deno's descriptor of the child. */
  fd: number;
  /** The entry as it was. */
  event: Uint8Array<ArrayBuffer>;
}

/** Turns it off. @param own Our own descriptor of the child. @returns `undefined` where there is no such entry. */
export function hold(libc: Libc, pid: number, own: number): Hold | undefined {
  const found = find(libc, pid, own);
  if (found === undefined) return undefined;
  const off = found.event.slice();
  new DataView(off.buffer).setUint32(0, 0, true);
  return control(libc, found, off) ? found : undefined;
}

/** Turns it on again. If the child has ended, Deno hears of it at once. */
export function release(libc: Libc, held: Hold): void {
  control(libc, held, held.event);
}

function control(libc: Libc, { epoll, fd }: Hold, event: Uint8Array<ArrayBuffer>): boolean {
  return libc.call.epoll_ctl(epoll, EPOLL_CTL_MOD, fd, event) === 0;
}

/** Where children of this isolate were found before: it has one `epoll`, and to look at all files takes long. */
let known: number[] = [];

function find(libc: Libc, pid: number, own: number): Hold | undefined {
  const inode = /^ino:\t(\d+)$/m.exec(readText(libc, `${FOLDER}/${own}`))?.[1];
  const file = inode === undefined ? undefined : Number(inode);
  const isChild = (fd: number) => readText(libc, `${FOLDER}/${fd}`).includes(`\nPid:\t${pid}\n`);
  const look = (epoll: number) =>
    entries(libc, epoll).find((entry) =>
      (file === undefined || entry.inode === file) && entry.fd !== own && isChild(entry.fd)
    );
  const found = first(known, look);
  if (found !== undefined) return found;
  const all = listFolder(libc, FOLDER);
  if (all.length > MOST_FILES) return undefined;
  const searched = first(all.map(Number), look);
  if (searched !== undefined) known = [searched.epoll];
  return searched;
}

function first<T, R>(values: readonly T[], look: (value: T) => R | undefined): R | undefined {
  for (const value of values) {
    const result = look(value);
    if (result !== undefined) return result;
  }
  return undefined;
}

const ENTRY =
  /^tfd:\s+(\d+) events:\s+([0-9a-f]+) data:\s+([0-9a-f]+)\s+pos:-?\d+ ino:([0-9a-f]+)/gm;

/** The entries of a descriptor; none if it is no `epoll`. */
function entries(libc: Libc, epoll: number): (Hold & { inode: number })[] {
  return [...readText(libc, `${FOLDER}/${epoll}`).matchAll(ENTRY)].map((match) => {
    const [, fd, events, data, inode] = match as unknown as string[];
    const event = new Uint8Array(EVENT_BYTES);
    const view = new DataView(event.buffer);
    view.setUint32(0, parseInt(events!, 16), true);
    view.setBigUint64(DATA_AT, BigInt(`0x${data}`), true);
    return { epoll, fd: Number(fd), event, inode: parseInt(inode!, 16) };
  });
}
