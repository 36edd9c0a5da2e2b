/**
 * The signals of this process as one isolate sees them: what is done with each, which are held back, who waits.
 *
 * The main isolate should be the only one to use it: a second hub in a Worker hears every signal again. Nothing
 * is listened to until something needs it, and nothing afterwards.
 *
 * @module
 */

import { startTimer } from "../own_timers.ts";
import { backend } from "./backend.ts";
import { ChildNews, infoOfChild } from "./child_news.ts";
import { SI_USER, SIG_DFL, SIG_IGN } from "./constants.ts";
import { DeliveryQueue } from "./delivery.ts";
import { refuse, unable } from "./failure.ts";
import { Listeners } from "./listeners.ts";
import { isRealtime, PendingSet } from "./pending.ts";
import {
  nameOf,
  SIGCHLD,
  SIGCONT,
  SIGKILL,
  SIGSTOP,
  SIGTSTP,
  SIGTTIN,
  SIGTTOU,
  SIGURG,
  SIGWINCH,
} from "./signal_numbers.ts";
import type { SignalPort } from "./signal_port.ts";
import type { Siginfo, SignalHandler } from "./siginfo.ts";

/** What is done with a signal: a handler, `SIG_DFL` or `SIG_IGN`. */
export type SignalAction = SignalHandler | typeof SIG_DFL | typeof SIG_IGN;

/** Somebody who takes a signal of a set before any handler does. */
export interface SignalWaiter {
  /** The signals that end the wait. */
  set: ReadonlySet<number>;
  /** Called once with the signal, after which the waiter is no longer known. */
  take(info: Siginfo): void;
}

/** The signals that do nothing by default. */
const HARMLESS: readonly number[] = [SIGCHLD, SIGCONT, SIGURG, SIGWINCH];

/** The signals that stop a process by default. */
export const STOPPING: readonly number[] = [SIGSTOP, SIGTSTP, SIGTTIN, SIGTTOU];

/** Everything that process control knows of signals. */
export class SignalHub {
  /** What waits for a dispatch. */
  readonly queue = new DeliveryQueue();
  /** Called when a handler is due, with whether it was installed to restart waits. */
  readonly interrupts = new Set<(restart: boolean) => void>();
  /** Tells of the ends of children. */
  readonly children = new ChildNews((info) => this.arrive(info));
  readonly #listeners = new Listeners((signo) => this.heard(signo));
  readonly #actions = new Map<
    number,
    { action: SignalHandler | typeof SIG_IGN; restart: boolean }
  >();
  readonly #waiters = new Set<SignalWaiter>();
  readonly #pending = new PendingSet();
  readonly #mask = new Set<number>();
  #forward: { set: ReadonlySet<number>; send: (signo: number) => void } | undefined;
  #port: SignalPort | undefined;
  #pid: number = Deno.pid;
  /** Ends this thread by a signal, where the hub is not that of a process. */
  #endThread: ((signo: number) => void) | undefined;
  #scheduled = false;
  #async = false;

  /** What is done with a signal. */
  action(signo: number): SignalAction {
    return this.#actions.get(signo)?.action ?? SIG_DFL;
  }

  /** The blocked signals, in ascending order. */
  get mask(): number[] {
    return [...this.#mask].sort((a, b) => a - b);
  }

  /** The signals that are listened to. */
  get listening(): number[] {
    return this.#listeners.installed;
  }

  /** The process id of whoever has this hub. */
  get pid(): number {
    return this.#pid;
  }

  /** Whether this is the hub of a child that is a thread: it hears what it is sent, and nothing of the system. */
  get isThread(): boolean {
    return this.#endThread !== undefined;
  }

  /** Makes this the hub of such a child; `end` is the default action of a signal. */
  becomeThread(pid: number, end: (signo: number) => void): void {
    this.#pid = pid;
    this.#endThread = end;
  }

  /** The signal thread, while it runs. */
  get port(): SignalPort | undefined {
    return this.#port;
  }

  /** Lets the signal thread tell of signals, or no longer. What `former` has told is not told again. */
  usePort(port: SignalPort | undefined, former?: SignalPort): void {
    this.#port = port;
    this.#listeners.use(port, former);
  }

  /** Looks at what the kernel holds, and at what the signal thread has heard; the rest is known at turns of the event loop. */
  collect(): void {
    backend.native?.drain();
    if (this.#port === undefined) return;
    this.#port.collect();
    this.children.look();
  }

  /** Installs an action. @returns Whether the system allows one for this signal. */
  setAction(signo: number, action: SignalAction, restart: boolean): boolean {
    if (signo === SIGKILL || signo === SIGSTOP) return refuse("signal", "EINVAL", false);
    if (!this.isThread && !Listeners.can(signo) && action !== SIG_DFL) {
      unable("signal", `Deno cannot listen to signal ${signo}; block it and wait for it instead`);
    }
    this.collect();
    if (action !== SIG_DFL) this.#listen(signo, true);
    if (action === SIG_DFL) this.#actions.delete(signo);
    else this.#actions.set(signo, { action, restart });
    if (action === SIG_IGN || action === SIG_DFL && HARMLESS.includes(signo)) {
      this.#pending.drop(signo);
    }
    if (typeof action === "function") this.#listeners.advise(signo);
    this.#sync([signo]);
    return true;
  }

  /** Makes these signals, and no others, the blocked ones; releases what is no longer blocked. */
  setMask(signals: ReadonlySet<number>): void {
    this.collect();
    const mask = new Set([...signals].filter((signo) => signo !== SIGKILL && signo !== SIGSTOP));
    const freed = new Set([...this.#mask].filter((signo) => !mask.has(signo)));
    for (const signo of freed) {
      const raisable = this.isThread || backend.native !== undefined;
      if (isRealtime(signo) && this.#pending.has(signo) && !raisable) {
        unable(
          "sigprocmask",
          `signal ${signo} is pending, and Deno cannot raise it; wait for it first`,
        );
      }
    }
    this.#mask.clear();
    for (const signo of mask) this.#mask.add(signo);
    this.#sync(mask);
    for (const signo of freed) if (!this.#wants(signo)) this.#listeners.linger(signo);
    for (let info; (info = this.#pending.take(freed)) !== undefined;) this.arrive(info);
  }

  /** Takes a pending signal of a set, the lowest number first. */
  takePending(set: ReadonlySet<number>): Siginfo | undefined {
    this.collect();
    return this.#pending.take(set);
  }

  /** Lets somebody wait behind those who wait already. */
  addWaiter(waiter: SignalWaiter): void {
    this.#waiters.add(waiter);
    this.#sync(waiter.set);
  }

  /** Ends a wait that took nothing. */
  removeWaiter(waiter: SignalWaiter): void {
    if (this.#waiters.delete(waiter)) this.#sync(waiter.set);
  }

  /** Sends everything that arrives on to another program, in whose place this process now stands. */
  forward(set: ReadonlySet<number>, send: (signo: number) => void): void {
    this.#forward = { set, send };
    this.#sync(set);
  }

  /** Ends that. */
  stopForwarding(): void {
    const set = this.#forward?.set ?? [];
    this.#forward = undefined;
    this.#sync(set);
  }

  /** Changes where these signals come from: none is heard while `change` runs, and afterwards those that are needed. */
  change(signals: Iterable<number>, change: () => void): void {
    for (const signo of signals) this.#listeners.set(signo, false);
    change();
    this.#sync(signals);
  }

  /** Takes any listener of a signal away, so that the system acts on it. */
  reset(signo: number): void {
    this.#actions.delete(signo);
    this.#mask.delete(signo);
    this.#listen(signo, false);
  }

  /** Takes a signal if something here handles, ignores, blocks or awaits it. @returns Whether it did. */
  offer(info: Siginfo): boolean {
    if (!this.#wants(info.signo)) return false;
    this.arrive(info);
    return true;
  }

  /** Sends a signal to this process: by itself where something here handles it, else through the system. */
  raise(info: Siginfo): void {
    this.collect();
    if (this.#wants(info.signo)) return this.arrive(info);
    this.#raiseForReal(info.signo);
  }

  /** A signal that the kernel was to hold came to Deno: it arrives, or goes back if nobody wants it. */
  stray(signo: number): void {
    if (this.#wants(signo)) this.heard(signo);
    else this.#raiseForReal(signo);
  }

  /** A signal is here: a waiter takes it, or the mask holds it, or its handler is due, or the system acts. */
  arrive(info: Siginfo): void {
    const { signo } = info;
    if (this.#forward !== undefined) return this.#pass(info);
    for (const waiter of this.#waiters) {
      if (!waiter.set.has(signo)) continue;
      this.removeWaiter(waiter);
      return waiter.take(info);
    }
    if (this.#mask.has(signo)) return this.#hold(info);
    const entry = this.#actions.get(signo);
    if (entry === undefined) return this.#raiseForReal(signo);
    if (entry.action === SIG_IGN) return;
    this.queue.push(info);
    for (const interrupt of [...this.interrupts]) interrupt(entry.restart);
    this.#schedule();
  }

  /** A listener, or the signal thread, has heard a signal. */
  heard(signo: number): void {
    if (signo === SIGCHLD) this.children.heard();
    else this.arrive({ signo, errno: 0 });
  }

  /** A child that is a thread has ended. The system does not tell, so this does. */
  noteThreadEnd(pid: number, word: number): void {
    if (this.#wants(SIGCHLD)) this.arrive(infoOfChild(pid, word));
  }

  /** Runs the handlers of what is queued. */
  dispatch(): void {
    this.collect();
    try {
      this.queue.run((signo) => this.#handler(signo));
    } finally {
      this.#schedule();
    }
  }

  /** Runs them one after the other, each to its end. */
  async dispatchAsync(): Promise<void> {
    this.collect();
    try {
      await this.queue.runAsync((signo) => this.#handler(signo));
    } finally {
      this.#schedule();
    }
  }

  /** Whether handlers run without being asked for. */
  get async(): boolean {
    return this.#async;
  }

  set async(enable: boolean) {
    this.#async = enable;
    this.#schedule();
  }

  /** A point at which handlers may run, if they run without being asked for. */
  safePoint(): void {
    if (this.#async) this.dispatch();
  }

  /** The same where a wait has ended, whose result nothing may take away: what a handler throws is reported. */
  safePointAfter(): void {
    try {
      this.safePoint();
    } catch (error) {
      reportError(error);
    }
  }

  #hold(info: Siginfo): void {
    if (!this.#pending.add(info)) this.queue.dropped++;
  }

  /** As after `execve`: what is blocked or ignored stays so, and no handler is left. */
  #pass(info: Siginfo): void {
    if (this.#mask.has(info.signo)) this.#hold(info);
    else if (this.action(info.signo) !== SIG_IGN) this.#forward!.send(info.signo);
  }

  #handler(signo: number): SignalHandler | undefined {
    const action = this.action(signo);
    return typeof action === "function" ? action : undefined;
  }

  #wants(signo: number): boolean {
    return this.#forward !== undefined && signo !== SIGKILL && signo !== SIGSTOP ||
      this.#actions.has(signo) || this.#mask.has(signo) ||
      [...this.#waiters].some(({ set }) => set.has(signo));
  }

  #sync(signals: Iterable<number>): void {
    for (const signo of signals) {
      const wanted = this.#actions.has(signo) || this.#mask.has(signo) ||
        this.#forward?.set.has(signo) || [...this.#waiters].some(({ set }) => set.has(signo));
      this.#listen(signo, wanted === true);
    }
  }

  #listen(signo: number, wanted: boolean): void {
    if (!this.isThread) this.#listeners.set(signo, wanted);
  }

  #raiseForReal(signo: number): void {
    if (this.#endThread !== undefined) {
      if (STOPPING.includes(signo)) unable("kill", `a thread cannot be stopped by signal ${signo}`);
      if (!HARMLESS.includes(signo)) this.#endThread(signo);
      return;
    }
    const name = nameOf(signo);
    if (name !== undefined) {
      this.#listeners.set(signo, false);
      Deno.kill(Deno.pid, name);
    } else if (backend.native === undefined) unable("kill", `Deno cannot send signal ${signo}`);
    else backend.native.kill(Deno.pid, signo);
    // Without another turn the process could end well before the signal does it.
    startTimer(() => {}, 0);
  }

  #schedule(): void {
    if (!this.#async || this.#scheduled || this.queue.size === 0 || this.queue.running) return;
    this.#scheduled = true;
    startTimer(() => {
      this.#scheduled = false;
      if (!this.#async) return;
      try {
        this.dispatch();
      } catch (error) {
        reportError(error);
      }
    }, 0);
  }
}

/** The hub of this isolate. */
export const hub: SignalHub = new SignalHub();

/** What is known of a signal that comes from here. */
export function ownInfo(signo: number): Siginfo {
  const info: Siginfo = { signo, errno: 0, code: SI_USER, pid: hub.pid };
  const { state } = Deno.permissions.querySync({ name: "sys", kind: "uid" });
  const uid = state === "granted" ? Deno.uid() : null;
  return uid === null ? info : { ...info, uid };
}
