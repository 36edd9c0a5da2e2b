/**
 * A node of the tree, from its first link to its end.
 *
 * @module
 */

import { checkFields, fail } from "../checks.ts";
import { readSignal, type SignalLike } from "../process/signal_set.ts";
import { actByDefault, endsByDefault, raiseFrom } from "../process/virtual.ts";
import { checkName, type Destination, type NodeIdentity } from "./address.ts";
import { Barriers } from "./barriers.ts";
import { Children, type ChildState } from "./children.ts";
import type { Connection, PeerInfo } from "./connection.ts";
import { Ending, type ShutdownBehavior } from "./ending.ts";
import type { MessageId } from "./envelope.ts";
import { RouterError } from "./errors.ts";
import { startChild } from "./fork.ts";
import type { Link } from "./link.ts";
import { childOptions, type ResolvedTreeOptions } from "./options.ts";
import { Router } from "./router.ts";
import { readSubmit } from "./submit.ts";
import { Turnstile } from "./turnstile.ts";
import type {
  Executor,
  ForkOptions,
  RouterEventListener,
  RouterStatistics,
  SubmitOptions,
} from "./types.ts";
import { within } from "./within.ts";

/** How long a turn of a node that stops takes without an event, in milliseconds. */
const TURN_MS = 20;

/** Who a node is. */
export interface NodePlace {
  identity: NodeIdentity;
  alias: string | undefined;
  /** The pid of the root; that of the node itself if it is the root. */
  rootPid: number;
  options: ResolvedTreeOptions;
  /** The pids from the root to the node above this one; none for the root. */
  above?: readonly number[];
}

/** A node. */
export class TreeNode implements Executor {
  readonly identity: NodeIdentity;
  readonly alias: string | undefined;
  /** The barriers of the tree. */
  readonly barriers: Barriers;
  readonly #path: readonly number[];
  readonly #rootPid: number;
  readonly #options: ResolvedTreeOptions;
  readonly #router: Router;
  readonly #children = new Children();
  readonly #ending: Ending;
  /** Opens when a neighbour is gone, all is acknowledged, a state was read, or a shutdown was taken back. */
  readonly #news = new Turnstile();
  #end = Promise.withResolvers<void>();
  #phase: "running" | "asked" | "leaving" | "closing" | "closed" = "running";
  /** How often the node was told to stop: a shutdown that was taken back is over when another has come. */
  #shutdowns = 0;
  #looping = false;
  #turn: ReturnType<typeof setTimeout> | undefined;

  /** Makes a node without links. */
  constructor({ identity, alias, rootPid, options, above = [] }: NodePlace) {
    this.identity = identity;
    this.alias = alias;
    this.#rootPid = rootPid;
    this.#options = options;
    this.#path = [...above, identity.pid];
    this.#ending = new Ending(!this.isMaster());
    this.barriers = new Barriers({
      pid: identity.pid,
      rootPid,
      path: this.#path,
      ask: (request) => {
        this.#checkRunning("wait at a barrier");
        this.#router.control(rootPid, request);
      },
      answer: ({ pid, via }, value) => this.#router.answer(pid, value, via!),
    });
    this.#router = new Router({
      executor: this,
      ...{ identity, alias, options, above },
      onLeave: () => this.shutdown(),
      onGone: (connection) => this.#lost(connection),
      onHandled: () => this.#handled(),
      onIdle: () => this.#news.open(),
      onControl: (value, source) => this.barriers.take(source, value),
      onSignal: (signo, source, above) => this.#signalled(signo, source, above),
    });
  }

  getPid(): number {
    return this.identity.pid;
  }

  getRootPid(): number {
    return this.#rootPid;
  }

  isMaster(): boolean {
    return this.#rootPid === this.identity.pid;
  }

  isShutdown(): boolean {
    return this.#phase !== "running" && this.#phase !== "asked";
  }

  /** Settles when the node has stopped. */
  get ended(): Promise<void> {
    return this.#end.promise;
  }

  /** With what the process of this node is to end. */
  get exitCode(): number {
    return this.#ending.exitCode;
  }

  /** Takes a link to a neighbour. What is sent waits until `prepare`, if there is any, has returned. */
  attach(
    link: Link,
    peer: { identity: NodeIdentity; alias: string | undefined; direction: "child" | "parent" },
    prepare?: () => void,
  ): void {
    if (peer.direction === "child") this.#children.start(peer.identity.pid);
    const connection = this.#router.attach(link, peer);
    prepare?.();
    this.#router.start(connection);
  }

  peers(): PeerInfo[] {
    return this.#router.connections.filter(({ ended }) => !ended).map(({ peer }) => peer);
  }

  getChildren(): number[] {
    return this.#children.all;
  }

  getAlivedChildren(): number[] {
    return this.#children.living;
  }

  readChildState(pid: number): ChildState | null {
    const state = this.#children.read(pid);
    if (state !== null) this.#news.open();
    return state;
  }

  addProcessContextInfo(pid: number, info: Readonly<Record<string, unknown>>): boolean {
    if (typeof info !== "object" || info === null || Array.isArray(info)) {
      fail("info", "an object", info);
    }
    return this.#children.add(pid, info);
  }

  getProcessContextInfo(pid: number): ChildState | null {
    return this.#children.look(pid);
  }

  fork(alias: string | undefined, options: ForkOptions): number {
    this.#checkRunning("start a child");
    if (alias !== undefined) checkName("alias", alias);
    if (options?.onParent !== undefined && typeof options.onParent !== "function") {
      fail("onParent", "a function", options.onParent);
    }
    const { identity: parent, alias: parentAlias } = this;
    const { identity, link } = startChild(options, {
      ...{ alias, parent, parentAlias, rootPid: this.#rootPid, above: this.#path },
      options: childOptions(this.#options),
    });
    this.attach(link, { identity, alias, direction: "child" });
    try {
      options.onParent?.(this, identity.pid);
    } catch (error) {
      this.#router.child(identity.pid)?.kill();
      throw error;
    }
    return identity.pid;
  }

  submit(
    data: unknown,
    to: Destination | null,
    options?: SubmitOptions | boolean,
    ...positional: boolean[]
  ): MessageId {
    this.#checkRunning("send");
    if (options === undefined) return this.#router.submit(data, to);
    return this.#router.submit(data, ...readSubmit(to, options, positional));
  }

  killNode(pid: number, signal: SignalLike, options: { real?: boolean } = {}): boolean {
    checkFields("options", options, ["real"]);
    const { real = false } = options;
    if (typeof real !== "boolean") fail("real", "true or false", real);
    const signo = readSignal("killNode", signal);
    if (real) return this.#router.child(pid)?.signal(signo) ?? false;
    this.#checkRunning("send");
    this.#router.signal(pid, signo);
    return true;
  }

  addListener(listener: RouterEventListener): void {
    this.#router.listeners.add(listener);
  }

  removeListener(listener: RouterEventListener): void {
    this.#router.listeners.remove(listener);
  }

  joinGroup(name: string): void {
    this.#router.groups.join(name);
  }

  leaveGroup(name: string): void {
    this.#router.groups.leave(name);
  }

  groups(): string[] {
    return this.#router.groups.list();
  }

  pendingMessages(): number {
    return this.#router.connections.reduce((sum, { outbox }) => sum + outbox.pending, 0);
  }

  statistics(): RouterStatistics {
    return { ...this.#router.statistics };
  }

  loop(): Promise<void> {
    if (!this.#looping && this.#phase !== "closed") {
      this.#looping = true;
      this.#router.listeners.tell("onStart", this);
    }
    return this.#end.promise;
  }

  shutdown(): void {
    if (this.#phase !== "running") return;
    this.#phase = "asked";
    this.#router.listeners.tell("onShutdown", this);
    this.#phase = "leaving";
    this.barriers.close();
    void this.#leave();
  }

  setShutdownBehavior(behavior: ShutdownBehavior): void {
    this.#ending.setBehavior(behavior);
    this.#news.open();
  }

  setTTL(turns: number): void {
    this.#ending.setTtl(turns);
  }

  setExitAfterShutdown(exit: boolean): void {
    if (typeof exit !== "boolean") fail("exit", "true or false", exit);
    if (!exit && !this.isMaster()) {
      throw new TypeError("Cannot let the process go on: this node is a child, and ends with it");
    }
    this.#ending.exitAfterShutdown = exit;
  }

  setProcessExitCode(code: number): void {
    this.#ending.setExitCode(code);
  }

  restart(): void {
    if (this.#ending.exitAfterShutdown) {
      throw new RouterError("NODE_STOPPED", "Cannot restart: the process ends with the loop");
    }
    if (this.#phase === "closing") {
      throw new RouterError("NODE_STOPPED", "Cannot restart: links are being closed; await loop()");
    }
    if (this.#phase === "closed") this.#end = Promise.withResolvers();
    if (this.#phase !== "asked") this.#phase = "running";
    this.#news.open();
  }

  close(): Promise<void> {
    this.shutdown();
    return this.#end.promise;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** Waits for what the behaviour says, and closes unless the shutdown was taken back meanwhile. */
  async #leave(): Promise<void> {
    const { drainMs } = this.#options;
    const drained = performance.now() + drainMs;
    const shutdown = ++this.#shutdowns;
    const isOn = () => this.#phase === "leaving" && shutdown === this.#shutdowns;
    let turns = 0;
    let news = this.#news.wait();
    while (isOn() && this.#waits(drained)) {
      if (this.#children.living.length === 0 && ++turns > this.#ending.ttl) {
        this.#warn();
        break;
      }
      if (await within(news, TURN_MS)) news = this.#news.wait();
    }
    if (!isOn()) return;
    this.#phase = "closing";
    await this.#close();
  }

  #waits(drained: number): boolean {
    const { flushPending, waitPeers } = this.#ending;
    return flushPending && performance.now() < drained && this.pendingMessages() > 0 ||
      waitPeers && this.#children.all.length > 0;
  }

  #warn(): void {
    const text = `Cannot wait longer: after ${this.#ending.ttl} turns ${this.pendingMessages()} ` +
      `messages are not acknowledged, and ${this.#children.unread} states not read`;
    this.#router.listeners.fail("send", new RouterError("PEER_STUCK", text));
  }

  async #close(): Promise<void> {
    const { drainMs } = this.#options;
    const { connections } = this.#router;
    const of = (wanted: string) => connections.filter(({ peer }) => peer.direction === wanted);
    await Promise.all(
      of("child").map(async (child) => {
        child.askToLeave();
        if (!await within(this.#whenGone(child), drainMs * 2)) child.kill();
      }),
    );
    await Promise.all(
      of("parent").map(async (parent) => {
        if (this.#ending.flushPending) await this.#drain(parent);
        parent.leave(this.#ending.exitCode);
      }),
    );
    // Listeners that never end are not waited for.
    await within(Promise.all(connections.map((one) => this.#whenGone(one))), drainMs + 400);
    this.#router.close();
    this.#exitLoop();
    this.#phase = "closed";
    this.#looping = false;
    this.#end.resolve();
    if (this.isMaster() && this.#ending.exitAfterShutdown) {
      setTimeout(() => Deno.exit(this.#ending.exitCode));
    }
  }

  /** Waits until a neighbour has acknowledged everything, or has ended, or the time has passed. */
  async #drain(connection: Connection): Promise<void> {
    const until = performance.now() + this.#options.drainMs;
    while (connection.outbox.pending > 0 && !connection.ended) {
      if (!await within(connection.outbox.changed(), until - performance.now())) return;
    }
  }

  async #whenGone(connection: Connection): Promise<void> {
    while (this.#router.connections.includes(connection)) await this.#news.wait();
  }

  #lost({ peer }: Connection): void {
    if (peer.direction === "child") {
      this.#children.end(peer.pid, peer.status);
      if (!this.isShutdown()) this.barriers.gone(peer.pid);
    }
    this.#news.open();
    if (peer.direction === "parent" && this.#options.onParentLost === "shutdown") this.shutdown();
  }

  /** Notes that something was handled, and tells the listeners when this turn of the event loop is over. */
  #handled(): void {
    if (!this.#looping || !this.#router.listeners.wants("onExitLoop")) return;
    this.#turn ??= setTimeout(() => this.#exitLoop());
  }

  #exitLoop(): void {
    if (this.#turn === undefined) return;
    clearTimeout(this.#turn);
    this.#turn = undefined;
    this.#router.listeners.tell("onExitLoop", this);
  }

  /** A signal has come, from above or from below. */
  #signalled(signo: number, source: number, above: boolean): void {
    if (raiseFrom(source, signo) || !above) return;
    if (this.identity.pid === Deno.pid) return actByDefault(signo);
    if (!endsByDefault(signo)) return;
    this.#ending.setExitCode(128 + signo);
    this.shutdown();
  }

  #checkRunning(what: string): void {
    if (!this.isShutdown()) return;
    throw new RouterError("NODE_STOPPED", `Cannot ${what}: this node was told to stop`);
  }
}
