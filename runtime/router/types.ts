/**
 * What users of the tree meet: messages, what was lost, listeners, and the node itself.
 *
 * @module
 */

import type { SignalLike } from "../process/signal_set.ts";
import type { Address, Destination } from "./address.ts";
import type { ChildState } from "./children.ts";
import type { PeerInfo } from "./connection.ts";
import type { ShutdownBehavior } from "./ending.ts";
import type { MessageId } from "./envelope.ts";
import type { Certainty } from "./outbox.ts";

/** How a message is sent. */
export interface SubmitOptions {
  /**
   * Whether each receiver answers that its listeners have seen the message. An answer arrives as a message with `isAck`.
   *
   * @default false
   */
  ack?: boolean;
  /**
   * Whether it goes before messages that wait and are not urgent.
   *
   * @default false
   */
  urgent?: boolean;
  /**
   * Whether the data is a `Uint8Array` that receivers get as it is.
   *
   * @default false
   */
  raw?: boolean;
  /** With `ack`, how long to wait for answers before `onAckTimeout`, in milliseconds. There is no limit by default. */
  timeoutMs?: number;
}

/** A message as listeners see it. */
export interface RoutedMessage {
  /** Its name in the whole tree; for an acknowledgement, the name of the message that is acknowledged. */
  readonly id: MessageId;
  /** The pid of the node that sent it. */
  readonly source: number;
  /** Where it goes: a pid, an alias, or 0 for everybody and for groups. */
  readonly destination: number | string;
  /** What was sent. A listener that changes it changes it for the listeners after it. */
  payload: unknown;
  /** Whether it was sent as urgent. */
  readonly isUrgent: boolean;
  /** Whether it is an acknowledgement. */
  readonly isAck: boolean;
  /** Whether it went to everybody. */
  readonly isBroadcast: boolean;
  /** Whether it went to one pid or alias. */
  readonly isUnicast: boolean;
  /** The group that it was sent to, if it was. */
  readonly group: string | undefined;
  /** How many links it crossed. */
  readonly hops: number;
  /** Whether it is only passing: such messages are shown to the listeners of a node that spies. */
  readonly forwarded: boolean;
  /** The node whose listeners see it. */
  readonly executor: Executor;
  /** The pid of the neighbour that handed it over; this node's own for a message that was sent here. */
  readonly link: number;
}

/** A message that a neighbour had not acknowledged when its link ended. Signals of `killNode` and the steps of barriers are none. */
export interface LostMessage {
  /** Its name in the whole tree. */
  readonly id: MessageId;
  /** Where it was to go. */
  readonly to: Address;
  /** What was sent; `undefined` if it cannot be decoded. */
  readonly payload: unknown;
  /** Whether it was an acknowledgement. */
  readonly isAck: boolean;
  /** Whether it was urgent. */
  readonly urgent: boolean;
  /** Whether it was for everybody. */
  readonly broadcast: boolean;
  /** The group that it was for, if it was. */
  readonly group: string | undefined;
  /** The pid of the node that sent it. */
  readonly origin: number;
  /** Whether it came from another node. */
  readonly forwarded: boolean;
  /** `never-sent` did not leave this node; `maybe-processed` left it, and may have been seen or not. */
  readonly certainty: Certainty;
}

/** Word from another node that one of this node's messages was lost there. */
export interface RemoteLoss {
  /** The name of the message. */
  readonly id: MessageId;
  /** The pid of the node that reports it. */
  readonly reporter: number;
  /** The pid of that node's neighbour that is gone. */
  readonly peer: number;
  /** Whether it may have been seen beyond that neighbour. */
  readonly certainty: Certainty;
}

/**
 * What a node calls.
 *
 * Listeners run one after another, and a promise is awaited before the next; only then is a message done. If one fails
 * the others do not see that message, and `onRouterError` of all is called.
 */
export interface RouterEventListener {
  /**
   * Lower ones are called first, equal ones in the order in which they were added.
   *
   * @default 0
   */
  readonly priority?: number;
  /** A message for this node has arrived. */
  onMessageReceived?(message: RoutedMessage): void | Promise<void>;
  /** A message sent here has been handed to its first link. That says nothing of its arrival. */
  onMessageSent?(message: RoutedMessage): void | Promise<void>;
  /**
   * The link to a neighbour has ended; called once for each, with all that it did not acknowledge. A promise is awaited for
   * the `drainMs` of the tree and little more: then a child whose parent is gone stops.
   */
  onPeerShutdown?(
    executor: Executor,
    peer: PeerInfo,
    lost: readonly LostMessage[],
  ): void | Promise<void>;
  /** A listener failed, or a neighbour; `errno` is the error's number or 0. */
  onRouterError?(operation: "receive" | "send", errno: number, text: string, error: unknown): void;
  /** A message's time for answers has passed; `answered` holds the pids of those that did. */
  onAckTimeout?(id: MessageId, answered: readonly number[]): void;
  /** A message sent here was lost at another node, which reports that. */
  onRemoteLoss?(loss: RemoteLoss): void;
  /**
   * An urgent message has arrived, and `onMessageReceived` follows. Only called with the option `legacyInterrupt`: the
   * ancestor of this library stopped the receiver with a signal at this point, here nothing is stopped.
   */
  onInterruptReceive?(message: RoutedMessage): void;
  /** The loop begins; called once, by {@linkcode Executor.loop}. */
  onStart?(executor: Executor): void;
  /** A turn of the event loop in which something was handled is over; called while {@linkcode Executor.loop} runs. */
  onExitLoop?(executor: Executor): void;
  /** The node is told to stop, and can still send. */
  onShutdown?(executor: Executor): void;
}

/** A node of the tree: it has children, may have a parent, and sends and receives messages. */
export interface Executor extends AsyncDisposable {
  /** The alias, if it has one; that of the root is `root`. */
  readonly alias: string | undefined;
  /** The process id, or for a node in a worker a number that no process has. */
  getPid(): number;
  /** The pid of the node that everything descends from. */
  getRootPid(): number;
  /** Whether it is the root. */
  isMaster(): boolean;
  /** Whether it was told to stop. */
  isShutdown(): boolean;
  /** The neighbours whose links have not ended. */
  peers(): PeerInfo[];
  /** The pids of the children: the living, and the ended whose states were not read. */
  getChildren(): number[];
  /** The pids of the children that live. */
  getAlivedChildren(): number[];
  /**
   * What is known of a child; `null` if it is none. The record of a child that has ended is forgotten with this, that of a living one
   * stays. Up to 4,096 unread ones are kept.
   */
  readChildState(pid: number): ChildState | null;
  /** Adds to what is known of a child; `false` if it is none, or nothing is to be added. */
  addProcessContextInfo(pid: number, info: Readonly<Record<string, unknown>>): boolean;
  /** What is known of a child, which stays known; `null` if it is none. */
  getProcessContextInfo(pid: number): ChildState | null;
  /**
   * Starts a child node in a worker or a process and returns its pid. What is sent to it before it runs waits for it.
   *
   * @param alias by which messages find it; not empty, up to 255 bytes
   * @throws {RouterError} `NODE_STOPPED` after {@linkcode Executor.shutdown}
   * @throws {Deno.errors.NotCapable} if the module is a file that this process may not read, or `deno` may not be run
   */
  fork(alias: string | undefined, options: ForkOptions): number;
  /**
   * Sends a message and returns its name. It never waits: the message is copied and put into queues.
   *
   * A destination that nobody has is no error; ask for acknowledgement to notice.
   *
   * @throws {RouterError} `LOOPBACK` to itself, `NODE_STOPPED` after shutdown, `QUEUE_FULL` if a neighbour is too slow
   * @throws {DOMException} `DataCloneError` if the data cannot be copied
   * @throws {RangeError} if it is larger than 16 MiB
   */
  submit(data: unknown, to: Destination, options?: SubmitOptions): MessageId;
  /**
   * The same with the arguments in the order that PHP programs know. Without `serialize` the data is a `Uint8Array` and sent
   * raw; with `broadcast` the destination does not matter, and only then it may be `null`.
   */
  submit(
    data: unknown,
    to: number | string | null,
    serialize: boolean,
    ack?: boolean,
    broadcast?: boolean,
    urgent?: boolean,
  ): MessageId;
  /**
   * Sends a node a signal, ahead of messages that wait. It takes no permission: the signal is raised in the node by a
   * message, where handlers, mask and waits of `pcntl` see it with this node's pid as its sender.
   *
   * Where nothing takes it, it does what signals do by default if it came from the node's parent, be it from
   * further away: it ends a process as the system would, and lets a worker stop in order with exit code 128 plus its number. From a
   * node below nothing comes of it.
   *
   * With `real` the system sends it, to a child of this node only. `SIGKILL` takes no permission then and ends workers too; any
   * other signal is for processes, and takes `--allow-run` without a list.
   *
   * @param signal 1 to 64, or a name
   * @returns whether it was sent; with `real`, whether there is such a child
   * @throws {RouterError} as {@linkcode Executor.submit} does
   * @throws {RangeError} if there is no such signal, or it is real, for a worker, and not `SIGKILL`
   * @throws {Deno.errors.NotCapable} if the permission is missing
   */
  killNode(pid: number, signal: SignalLike, options?: { real?: boolean }): boolean;
  /**
   * Adds a listener.
   *
   * @throws {TypeError} if it is no object, or one of its methods is no function
   */
  addListener(listener: RouterEventListener): void;
  /** Removes a listener; one that is not there is no error. */
  removeListener(listener: RouterEventListener): void;
  /** Becomes a member of a group; its name takes 1 to 255 bytes. A node may be in up to 1,024. */
  joinGroup(name: string): void;
  /** Leaves a group; messages that are processed afterwards do not reach this node. */
  leaveGroup(name: string): void;
  /** The groups that this node is a member of. */
  groups(): string[];
  /** How many messages wait, or are on their way to a neighbour that has not acknowledged them. */
  pendingMessages(): number;
  /** Counts of what the node has done. */
  statistics(): RouterStatistics;
  /**
   * Calls `onStart` at the first call, and settles when the node has stopped and all its links with it. Messages do not
   * wait for it. A child enters it by itself when its function has ended.
   */
  loop(): Promise<void>;
  /**
   * Calls `onShutdown`, and begins to stop: nothing is sent or forked from now on. When what
   * {@linkcode Executor.setShutdownBehavior} says is fulfilled, the children are asked to leave, then the links are closed. The
   * second call does nothing.
   */
  shutdown(): void;
  /** Says what a node that stops waits for. */
  setShutdownBehavior(behavior: ShutdownBehavior): void;
  /**
   * Says after how many turns a node that stops and has no living children goes without what it waits for, which `onRouterError`
   * tells. A turn ends with an event, or after 20 ms. 100 at first.
   *
   * @throws {RangeError} below 1
   */
  setTTL(turns: number): void;
  /**
   * Says whether the process ends with the loop. False at first for a root; that of a child always does.
   *
   * @throws {TypeError} for a child, if false
   */
  setExitAfterShutdown(exit: boolean): void;
  /**
   * Says with which code the process ends, and what the parent is told; 0 at first.
   *
   * @throws {RangeError} outside 0 to 255
   */
  setProcessExitCode(code: number): void;
  /**
   * Takes a shutdown back: before the links are closed the node just goes on, and when they are it can have new children. Does
   * nothing without a shutdown.
   *
   * @throws {RouterError} `NODE_STOPPED` if the process ends with the loop, or while links are being closed
   */
  restart(): void;
  /** Stops and waits until all is released. */
  close(): Promise<void>;
}

/** What a node has done. */
export interface RouterStatistics {
  /** Messages that were here before, or that cannot have come this way, and were dropped. */
  duplicates: number;
  /** Messages that reached listeners. */
  delivered: number;
  /** Copies handed on to other links. */
  forwarded: number;
}

/** What a child node runs. */
export interface ForkOptions {
  /** The module whose default export is a {@linkcode NodeMain}. */
  module?: URL | string;
  /** In place of a module, a program that becomes a node by itself. */
  program?: ForkProgram;
  /** What the child's function is given; it is copied. */
  data?: unknown;
  /**
   * What the child may do.
   *
   * @default "none"
   */
  permissions?: Deno.PermissionOptions;
  /**
   * Where the child runs. A process has a real pid, ends with a status, and can neither exhaust this one's memory nor
   * outlive it, unless it never gets back to its event loop; it needs the permissions to run `deno` and to read the variable `NODE_V8_COVERAGE`, and
   * its own permissions named: `"inherit"` is refused.
   *
   * @default "worker"
   */
  isolation?: "process" | "worker";
  /** Called with the child's pid before `fork` returns it. */
  onParent?(executor: Executor, pid: number): void;
}

/** A program of Deno that runs in a process of its own and calls {@linkcode runChild}. */
export interface ForkProgram {
  /** Its main module, by absolute URL. */
  main: URL | string;
  /** Its arguments. */
  args?: readonly string[];
  /** The flags of Deno that it is started with, its permissions among them. @default none, so that it may do nothing */
  flags?: readonly string[];
}

/**
 * The default export of a child's module. It adds its listeners before its first `await`: messages are taken up when it has
 * returned. If it throws or rejects, the child ends with exit code 1.
 */
export type NodeMain = (executor: Executor, data: unknown) => unknown;
