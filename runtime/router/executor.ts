/**
 * A node of the tree, from its first link to its end.
 *
 * @module
 */

import { checkName, type Destination, type NodeIdentity } from "./address.ts";
import type { Connection, PeerInfo } from "./connection.ts";
import type { MessageId } from "./envelope.ts";
import { RouterError } from "./errors.ts";
import { startChild } from "./fork.ts";
import type { Link } from "./link.ts";
import { childOptions, type ResolvedTreeOptions } from "./options.ts";
import { Router } from "./router.ts";
import { Turnstile } from "./turnstile.ts";
import type {
  Executor,
  ForkOptions,
  RouterEventListener,
  RouterStatistics,
  SubmitOptions,
} from "./types.ts";
import { within } from "./within.ts";

/** Who a node is. */
export interface NodePlace {
  identity: NodeIdentity;
  alias: string | undefined;
  /** The pid of the root; that of the node itself if it is the root. */
  rootPid: number;
  options: ResolvedTreeOptions;
}

/** A node. */
export class TreeNode implements Executor {
  readonly identity: NodeIdentity;
  readonly alias: string | undefined;
  readonly rootPid: number;
  readonly closed: Promise<void>;
  readonly #options: ResolvedTreeOptions;
  readonly #router: Router;
  readonly #gone = new Turnstile();
  readonly #resolveClosed: () => void;
  #shutdown = false;
  #exitCode = 0;

  /** Makes a node without links. */
  constructor({ identity, alias, rootPid, options }: NodePlace) {
    this.identity = identity;
    this.alias = alias;
    this.rootPid = rootPid;
    this.#options = options;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.closed = promise;
    this.#resolveClosed = resolve;
    this.#router = new Router({
      executor: this,
      ...{ identity, alias, options },
      onLeave: () => this.shutdown(),
      onGone: (connection) => this.#lost(connection),
    });
  }

  get pid(): number {
    return this.identity.pid;
  }

  get isRoot(): boolean {
    return this.rootPid === this.pid;
  }

  get isShutdown(): boolean {
    return this.#shutdown;
  }

  /** Takes a link to a neighbour. */
  attach(
    link: Link,
    peer: { identity: NodeIdentity; alias: string | undefined; direction: "child" | "parent" },
  ): void {
    this.#router.attach(link, peer);
  }

  /** What the parent is told when this node ends. */
  get exitCode(): number {
    return this.#exitCode;
  }

  peers(): PeerInfo[] {
    return this.#router.connections.filter(({ ended }) => !ended).map(({ peer }) => peer);
  }

  fork(alias: string | undefined, options: ForkOptions): number {
    this.#checkRunning("start a child");
    if (alias !== undefined) checkName("alias", alias);
    const { identity: parent, alias: parentAlias, rootPid } = this;
    const { identity, link } = startChild(options, {
      ...{ alias, parent, parentAlias, rootPid },
      options: childOptions(this.#options),
    });
    this.attach(link, { identity, alias, direction: "child" });
    options.onParent?.(this, identity.pid);
    return identity.pid;
  }

  submit(data: unknown, to: Destination, options?: SubmitOptions): MessageId {
    this.#checkRunning("send");
    return this.#router.submit(data, to, options);
  }

  signal(pid: number, signal: number): MessageId {
    this.#checkRunning("send");
    return this.#router.signal(pid, signal);
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

  kill(pid: number): boolean {
    const child = this.#router.connections.find(({ peer, ended }) =>
      peer.pid === pid && peer.direction === "child" && !ended
    );
    child?.kill();
    return child !== undefined;
  }

  shutdown(exitCode = 0): void {
    if (this.#shutdown) return;
    if (!Number.isInteger(exitCode) || exitCode < 0 || exitCode > 255) {
      throw new RangeError(
        `Cannot stop: an exit code is a whole number from 0 to 255, and ${exitCode} was given`,
      );
    }
    this.#shutdown = true;
    this.#exitCode = exitCode;
    void this.#stop();
  }

  close(): Promise<void> {
    this.shutdown();
    return this.closed;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #stop(): Promise<void> {
    const { drainMs } = this.#options;
    const { connections } = this.#router;
    const of = (wanted: string) => connections.filter(({ peer }) => peer.direction === wanted);
    await Promise.all(
      of("child").map(async (child) => {
        await this.#drain(child);
        child.askToLeave();
        if (!await within(this.#whenGone(child), drainMs * 2)) child.kill();
      }),
    );
    await Promise.all(
      of("parent").map(async (parent) => {
        await this.#drain(parent);
        parent.leave(this.#exitCode);
      }),
    );
    // Listeners that never end are not waited for.
    await within(Promise.all(connections.map((one) => this.#whenGone(one))), drainMs + 400);
    this.#router.close();
    this.#resolveClosed();
  }

  /** Waits until a neighbour has acknowledged everything, or has ended, or the time has passed. */
  async #drain(connection: Connection): Promise<void> {
    const until = Date.now() + this.#options.drainMs;
    while (connection.outbox.pending > 0 && !connection.ended) {
      if (!await within(connection.outbox.changed(), until - Date.now())) return;
    }
  }

  async #whenGone(connection: Connection): Promise<void> {
    while (this.#router.connections.includes(connection)) await this.#gone.wait();
  }

  #lost({ peer }: Connection): void {
    this.#gone.open();
    if (peer.direction === "parent" && this.#options.onParentLost === "shutdown") this.shutdown();
  }

  #checkRunning(what: string): void {
    if (!this.#shutdown) return;
    throw new RouterError("NODE_STOPPED", `Cannot ${what}: this node was told to stop`);
  }
}
