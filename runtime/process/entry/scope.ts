/**
 * Gives the main isolate of a child process what the scope of a Worker has, so that everything else that runs in
 * workers runs there unchanged: messages, `close()`, `name`, and an end that the owner hears of.
 *
 * It takes effect when it is loaded, which must be before everything else. Nothing here protects anything.
 *
 * @module
 */

import process from "node:process";
import { startup } from "../../resources/mod.ts";
import { decodeValue, encodeValue } from "../ipc_codec.ts";
import { FRAME, OPENING_SIGNAL } from "../stream_frames.ts";
import { StreamLanes } from "../stream_lanes.ts";
import { watchOwner } from "./watch_owner.ts";

/** The channel to the owner. */
interface Channel {
  send?(message: unknown, callback: (error: Error | null) => void): boolean;
  on(event: string, listener: (message: unknown) => void): void;
}

/** What asks the owner to end. */
const OWNERS_SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"] as const;
/** How long a signal to oneself may take, in milliseconds. */
const SIGNAL_MS = 50;

const { exit, kill, pid } = Deno;
const { apply, defineProperty } = Reflect;
const { dispatchEvent, addEventListener } = EventTarget.prototype;
const { preventDefault } = Event.prototype;
const Fault = ErrorEvent;
const Rejection = PromiseRejectionEvent;
const soon = queueMicrotask;
const print = console.error;
const channel = process as unknown as Channel;
const sendBytes = channel.send!.bind(channel);
// A document that sends past this would only end its own worker; but not by mistake.
delete channel.send;

/** Messages that are leaving. */
let leaving = 0;
let onLeft: (() => void) | undefined;
let isClosing = false;
/** Whether the documents have loaded, or failed to. */
let hasPosted = false;
let isWatched = false;
/** Whether the last word that was posted is that the worker ends while it opens a session. */
let leftOpening = false;

const lanes = new StreamLanes({
  send,
  onMessage: (data) => {
    if (!isClosing) apply(dispatchEvent, globalThis, [new MessageEvent("message", { data })]);
  },
});

defineScope(
  "postMessage",
  (message: unknown, given?: Transferable[] | StructuredSerializeOptions) => {
    const transfer = Array.isArray(given) ? given : given?.transfer ?? [];
    if (isClosing) return;
    lanes.post(message, transfer);
    hasPosted = true;
    leftOpening = saysOpening(message);
  },
);
defineScope("close", () => endWith(0));
defineProperty(Deno, "exit", {
  configurable: true,
  value: (code = 0) => {
    if (!leftOpening) return exit(code);
    // What is under way is lost with the process; how it ends, is not.
    kill(pid, OPENING_SIGNAL);
    const until = performance.now() + SIGNAL_MS;
    while (performance.now() < until);
    return exit(code);
  },
});
defineHandler("message");
defineHandler("messageerror");
apply(addEventListener, globalThis, ["error", onFault]);
apply(addEventListener, globalThis, ["unhandledrejection", onFault]);
// A terminal and a service manager send these to whole groups; the owner decides what they mean for its workers.
for (const signal of OWNERS_SIGNALS) Deno.addSignalListener(signal, () => {});
// There is no desk to join: shared memory does not reach here.
startup({ threads: false });

/** Begins to listen. */
export function enterScope(name: string): void {
  defineScope("name", name);
  channel.on("disconnect", () => exit(1));
  channel.on("message", (bytes) => {
    if (!isClosing) lanes.take(decodeValue(bytes as Uint8Array) as unknown[]);
  });
  send(encodeValue([FRAME.ready]));
}

function send(bytes: Uint8Array): void {
  // It throws at what a document has broken; then nothing is leaving.
  sendBytes(bytes, () => {
    if (--leaving === 0) onLeft?.();
    if (hasPosted && !isWatched) watch();
  });
  leaving++;
}

/** Not sooner than it has said that it is ready, which this would delay. */
function watch(): void {
  isWatched = true;
  watchOwner();
}

/** Ends the process when all that was posted has left it. */
function endWith(code: number): void {
  if (isClosing) return;
  isClosing = true;
  onLeft = () => exit(code);
  if (leaving === 0) exit(code);
}

/** An error that nobody catches ends a worker, and its owner hears of it. */
function onFault(event: Event): void {
  // A document may dispatch what it likes under these names.
  const isError = event instanceof Fault;
  if (!isError && !(event instanceof Rejection)) return;
  let isHandled = false;
  defineProperty(event, "preventDefault", { value: () => void (isHandled = true) });
  // Else the process would end before its owner has heard.
  apply(preventDefault, event, []);
  const text = isError ? event.message : `Uncaught (in promise) ${describe(event.reason)}`;
  const thrown: unknown = isError ? event.error : (event as PromiseRejectionEvent).reason;
  soon(() => {
    if (isHandled || isClosing) return;
    try {
      // As Deno does it for a Worker.
      print(`error: Uncaught (in worker "${self.name}")`, thrown);
      send(encodeValue([FRAME.failed, text]));
    } finally {
      // What is thrown here comes back here, and must find that this has ended.
      endWith(1);
    }
  });
}

function describe(reason: unknown): string {
  try {
    return reason instanceof Error ? `${reason.name}: ${reason.message}` : Deno.inspect(reason);
  } catch {
    return "something that cannot be described";
  }
}

function saysOpening(message: unknown): boolean {
  const call = message as { path?: unknown[]; argumentList?: { value: unknown }[] } | null;
  return call?.path?.[0] === "goodbye" && call.argumentList?.[1]?.value === true;
}

function defineScope(name: string, value: unknown): void {
  defineProperty(globalThis, name, {
    value,
    configurable: true,
    enumerable: false,
    writable: true,
  });
}

/** A property such as `onmessage`. */
function defineHandler(type: string): void {
  let handler: unknown = null;
  let listener: ((event: Event) => unknown) | undefined;
  defineProperty(globalThis, `on${type}`, {
    configurable: true,
    enumerable: true,
    get: () => handler,
    set: (value: unknown) => {
      handler = typeof value === "function" ? value : null;
      if (listener !== undefined) return;
      listener = (event) => typeof handler === "function" && apply(handler, globalThis, [event]);
      apply(addEventListener, globalThis, [type, listener]);
    },
  });
}
