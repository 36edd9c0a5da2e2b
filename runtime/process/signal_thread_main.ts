/**
 * What runs inside the signal thread. It is sent there as text, so it uses nothing of this module.
 *
 * @module
 */

/** What the main isolate tells the signal thread. */
export interface SignalThreadMessage {
  /** Listen to a signal from now on. */
  on?: { name: Deno.Signal; signo: number };
  /** Listen to it no longer. */
  off?: number;
  /** Raise SIGALRM after so many milliseconds, by this id; 0 takes the alarm away. */
  alarm?: { id: number; ms: number };
  /** Whether the main isolate waits for the answer. */
  ack?: boolean;
}

/** Where numbers stand in the memory that both sides share, in words of 32 bits. */
export const NEWS = 0;
/** How many messages were answered. */
export const ACKS = 1;
/** The id of the alarm that went off, 0 without one. */
export const ALARM = 2;
/** From here one word for each signal: how often it was heard and not collected. */
export const COUNTS = 8;
/** From here one word for each signal: when the first of those came, as a running number. */
export const STAMPS = 80;
/** How many words there are. */
export const WORDS = 160;

/** What the thread is given of its side. */
export interface SignalThreadSide {
  /** The shared words. */
  words: Int32Array;
  /** Calls `take` with each message of the main isolate. */
  onMessage(take: (message: SignalThreadMessage) => void): void;
}

/** The text of the module that a signal thread starts from. */
export function signalThreadText(): string {
  const places = JSON.stringify({ NEWS, ACKS, ALARM, COUNTS, STAMPS });
  return `import { parentPort, workerData } from "node:worker_threads";
(${serveSignals})({ words: workerData, onMessage: (take) => parentPort.on("message", take) }, ${places});`;
}

/** Counts signals and keeps the alarm. Nothing from outside this function exists where it runs. */
function serveSignals(
  { words, onMessage }: SignalThreadSide,
  at: { NEWS: number; ACKS: number; ALARM: number; COUNTS: number; STAMPS: number },
): void {
  const listeners = new Map<number, [Deno.Signal, () => void]>();
  let stamp = 0;
  let timer: ReturnType<typeof setTimeout> | undefined;

  function wake(): void {
    Atomics.add(words, at.NEWS, 1);
    Atomics.notify(words, at.NEWS);
  }

  function listen(signo: number, name: Deno.Signal): void {
    if (listeners.has(signo)) return;
    const heard = () => {
      if (Atomics.load(words, at.COUNTS + signo) === 0) {
        stamp = (stamp + 1) & 0x3fffffff;
        Atomics.store(words, at.STAMPS + signo, stamp);
      }
      Atomics.add(words, at.COUNTS + signo, 1);
      wake();
    };
    Deno.addSignalListener(name, heard);
    listeners.set(signo, [name, heard]);
  }

  function listenNoMore(signo: number): void {
    const entry = listeners.get(signo);
    if (entry === undefined) return;
    listeners.delete(signo);
    Deno.removeSignalListener(...entry);
  }

  function setAlarm(id: number, deadline: number): void {
    const left = deadline - performance.now();
    if (left > 0) {
      timer = setTimeout(() => setAlarm(id, deadline), Math.min(left, 2 ** 31 - 1));
      return;
    }
    // Where nothing waits for it the system ends the process, also one that is busy.
    if (![...listeners.values()].some(([name]) => name === "SIGALRM")) {
      Deno.kill(Deno.pid, "SIGALRM");
    }
    Atomics.store(words, at.ALARM, id);
    wake();
  }

  onMessage(({ on, off, alarm, ack }) => {
    if (on !== undefined) listen(on.signo, on.name);
    if (off !== undefined) listenNoMore(off);
    if (alarm !== undefined) {
      clearTimeout(timer);
      if (alarm.ms > 0) setAlarm(alarm.id, performance.now() + alarm.ms);
    }
    if (ack !== true) return;
    Atomics.add(words, at.ACKS, 1);
    Atomics.notify(words, at.ACKS);
  });
}
