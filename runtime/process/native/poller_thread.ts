/**
 * The thread that waits for the kernel, so that no other thread has to.
 *
 * Its source is this one function, which travels as text: no file has to be read, and nothing of ours is loaded a second time.
 *
 * @module
 */

/** How many children can be watched at once. */
export const SLOTS = 256;
/** Numbers at the beginning of the shared memory, before the slots. */
export const HEAD = 8;
/** Numbers of a slot: its state, the child, its descriptor, an entry of `epoll`, then what `waitid` says. */
export const SLOT_NUMBERS = 10 + (128 + 144) / 4;
/** Where in a slot the entry is: the descriptor of the `epoll` or -1, that of the entry, and four numbers of the event. */
export const ENTRY = 3;
/** Where in a slot the answer of `waitid` is: the information, and behind it the usage. */
export const ANSWER = 10;

/** Set when the thread is to end. */
export const STOP = 0;
/** Set when it has ended. */
export const GONE = 1;
/** The descriptor of pending signals; -1 without one. */
export const SIGNALS = 2;
/** Whether to say when a signal is there. The thread says so once, and takes this back. */
export const ARMED = 3;

/** A slot that nobody uses. */
export const FREE = 0;
/** A child to wait for. */
export const WATCHED = 1;
/** It was seen after its end, before Deno took what is left of it. */
export const SEEN = 2;
/** Deno was faster. */
export const MISSED = 3;
/** Nobody wants to know any more; the thread makes it free. */
export const DROPPED = 4;

/** What the thread is given. */
export interface PollerData {
  /** The memory that both sides see. */
  shared: SharedArrayBuffer;
  /** Readable when the thread is to look at the memory again. */
  wake: number;
  /** The number of the system call `waitid`. */
  waitid: bigint;
}

/** The source of the thread, as a module. */
export function pollerSource(): string {
  const constants = { SLOTS, HEAD, SLOT_NUMBERS, ENTRY, ANSWER, STOP, GONE, SIGNALS, ARMED };
  const states = { FREE, WATCHED, SEEN, MISSED, DROPPED };
  return `import { parentPort, workerData } from "node:worker_threads";
(${poll})(workerData, parentPort, ${JSON.stringify({ ...constants, ...states })});`;
}

/** Everything that runs in the thread. It names nothing outside itself but what it is given. */
function poll(
  { shared, wake, waitid }: PollerData,
  port: { postMessage(message: string): void },
  is: Readonly<Record<string, number>>,
): void {
  /** Nobody waits longer for it than this, in milliseconds, whatever happens to what wakes it. */
  const longestMs = 250;
  const readable = 1;
  const { symbols } = Deno.dlopen("libc.so.6", {
    epoll_ctl: { parameters: ["i32", "i32", "i32", "buffer"], result: "i32" },
    poll: { parameters: ["buffer", "u64", "i32"], result: "i32" },
    read: { parameters: ["i32", "buffer", "u64"], result: "i64" },
    waitid: {
      name: "syscall",
      parameters: ["i64", "i32", "i32", "buffer", "i32", "buffer"],
      result: "i64",
    },
  });
  const memory = new Int32Array(shared);
  const polled = new Int32Array((is.SLOTS! + 2) * 2);
  const info = new Uint8Array(128);
  const usage = new Uint8Array(144);
  const event = new Int32Array(4);
  const eight = new Uint8Array(8);
  const begin = (slot: number) => is.HEAD! + slot * is.SLOT_NUMBERS!;

  /** Looks at a child that ended, and leaves it to Deno: it must still be there to wait for. */
  function peek(at: number): void {
    const [P_PID, WNOHANG, WEXITED, WNOWAIT] = [1, 1, 4, 0x1000000];
    const pid = Atomics.load(memory, at + 1);
    const options = WNOHANG | WEXITED | WNOWAIT;
    const result = symbols.waitid(waitid, P_PID, pid, info, options, usage);
    const seen = result === 0n && new Int32Array(info.buffer)[4] === pid;
    if (seen) {
      memory.set(new Int32Array(info.buffer), at + is.ANSWER!);
      memory.set(new Int32Array(usage.buffer), at + is.ANSWER! + 32);
    }
    const EPOLL_CTL_MOD = 3;
    const [epoll, entry] = memory.subarray(at + is.ENTRY!);
    event.set(memory.subarray(at + is.ENTRY! + 2, at + is.ENTRY! + 6));
    const state = seen ? is.SEEN! : is.MISSED!;
    const before = Atomics.compareExchange(memory, at, is.WATCHED!, state);
    if (before === is.DROPPED) Atomics.store(memory, at, is.FREE!);
    // Now Deno may know; if nobody watches any more, it does already.
    if (before === is.WATCHED && epoll! >= 0) {
      symbols.epoll_ctl(epoll!, EPOLL_CTL_MOD, entry!, event);
    }
  }

  while (Atomics.load(memory, is.STOP!) === 0) {
    const slots: number[] = [];
    let count = 0;
    const add = (fd: number) => {
      polled[count * 2] = fd;
      polled[count * 2 + 1] = readable;
      count++;
    };
    add(wake);
    add(Atomics.load(memory, is.ARMED!) === 1 ? Atomics.load(memory, is.SIGNALS!) : -1);
    for (let slot = 0; slot < is.SLOTS!; slot++) {
      const at = begin(slot);
      const state = Atomics.load(memory, at);
      if (state === is.DROPPED) Atomics.store(memory, at, is.FREE!);
      if (state !== is.WATCHED) continue;
      slots.push(at);
      add(Atomics.load(memory, at + 2));
    }
    symbols.poll(polled, BigInt(count), longestMs);
    const happened = (index: number) => polled[index * 2 + 1]! >> 16 !== 0;
    // Children first: Deno is about to take them.
    for (const [index, at] of slots.entries()) if (happened(index + 2)) peek(at);
    if (happened(0)) symbols.read(wake, eight, 8n);
    if (happened(1)) {
      Atomics.store(memory, is.ARMED!, 0);
      port.postMessage("signals");
    }
  }
  Atomics.store(memory, is.GONE!, 1);
  Atomics.notify(memory, is.GONE!);
}
