/**
 * Knows the listeners of a worker's global events, so that they can go back to what they were.
 *
 * It takes effect when it is loaded. Other targets than `globalThis` are not watched, nor are the
 * events of `process`.
 *
 * @module
 */

import { attempt } from "./attempt.ts";
import { disguise } from "./disguise.ts";

/** The global listeners at one moment. */
export interface ListenerState {
  /** By event, in the order in which they are called. */
  readonly lists: ReadonlyMap<EventType, readonly Listener[]>;
  /** At which change they were last the same. */
  same: number;
}

/** The name of an event; Deno takes symbols too. */
export type EventType = string | symbol;

/** What makes a registration that one, and what else was asked for. */
interface Registration {
  type: EventType;
  callback: unknown;
  options: AddEventListenerOptions;
}

interface Listener extends Registration {
  /** Runs just before a listener that is called only once. */
  noteCall: (() => void) | undefined;
}

type Arguments = [type: unknown, callback: unknown, options?: unknown];
type Method = (this: unknown, ...args: Arguments) => void;

const scope: unknown = globalThis;
const { apply } = Reflect;
const text = String;
const target = EventTarget.prototype as unknown as Record<string, Method>;
const add = target.addEventListener!;
const remove = target.removeEventListener!;
const current = new Map<EventType, Listener[]>();
/** How often that was changed. */
let changes = 0;

/** What the runtime uses for itself: listeners of global events that nothing watches. */
export const unwatchedListeners = {
  addEventListener: add.bind(scope),
  removeEventListener: remove.bind(scope),
} as Pick<typeof globalThis, "addEventListener" | "removeEventListener">;

target.addEventListener = watched(add, addWatched);
target.removeEventListener = watched(remove, removeWatched);

/** Remembers what listens now. */
export function readListeners(): ListenerState {
  const lists = new Map([...current].map(([type, list]) => [type, list.filter(isWanted)]));
  return { lists, same: changes };
}

/**
 * Makes the listeners what they were; one whose signal has been aborted since stays away.
 *
 * @param state What they were.
 * @param stuck Takes the names of what could not be put back.
 * @param only The events to look at; all unless given.
 */
export function restoreListeners(
  state: ListenerState,
  stuck: string[],
  only?: readonly EventType[],
): void {
  if (state.same === changes) return;
  const { lists } = state;
  for (const type of only ?? [...current.keys()]) restoreType(type, lists, stuck);
  if (only !== undefined) return;
  for (const type of lists.keys()) {
    if (!current.has(type)) restoreType(type, lists, stuck);
  }
  if (stuck.length === 0) state.same = changes;
}

function restoreType(type: EventType, lists: ListenerState["lists"], stuck: string[]): void {
  const now = current.get(type) ?? [];
  const before = lists.get(type) ?? [];
  if (now.length === before.length && now.every((listener, at) => listener === before[at])) return;
  const name = `listener of ${text(type)}`;
  current.delete(type);
  changes++;
  for (const listener of now) attempt(stuck, name, () => detach(listener));
  for (const listener of before) {
    attempt(stuck, name, () => {
      if (!isWanted(listener)) return;
      attach(listener);
      remember(listener);
    });
  }
}

/** A bare `addEventListener()` means the global one. */
function watched(original: Method, method: (...args: Arguments) => void): Method {
  return disguise(
    function (this: unknown, ...args: Arguments): void {
      const isGlobal = this === scope || this === undefined || this === null;
      if (!isGlobal || args.length < 2 || args[1] === null) return apply(original, this, args);
      method(...args);
    },
    original,
  );
}

function addWatched(name: unknown, callback: unknown, given: unknown): void {
  const type = readType(name);
  const options = readOptions(given);
  const listener: Listener = { type, callback, options, noteCall: undefined };
  if (find(listener) !== undefined) return;
  // Wrong options throw here, before anything is remembered.
  attach(listener);
  if (isWanted(listener)) remember(listener);
}

function removeWatched(name: unknown, callback: unknown, given: unknown): void {
  const sought = { type: readType(name), callback, options: readOptions(given) };
  const listener = find(sought);
  if (listener === undefined) return apply(remove, scope, [sought.type, callback, sought.options]);
  forget(listener);
  detach(listener);
}

function attach(listener: Listener): void {
  const { type, callback, options } = listener;
  if (options.once === true) {
    listener.noteCall ??= () => forget(listener);
    apply(add, scope, [type, listener.noteCall, options]);
  }
  apply(add, scope, [type, callback, options]);
}

function detach({ type, callback, options, noteCall }: Listener): void {
  apply(remove, scope, [type, callback, options]);
  if (noteCall !== undefined) apply(remove, scope, [type, noteCall, options]);
}

function find({ type, callback, options }: Registration): Listener | undefined {
  return current.get(type)?.find((other) =>
    other.callback === callback && other.options.capture === options.capture
  );
}

function remember(listener: Listener): void {
  changes++;
  const list = current.get(listener.type);
  if (list === undefined) current.set(listener.type, [listener]);
  else list.push(listener);
}

function forget(listener: Listener): void {
  changes++;
  const list = current.get(listener.type) ?? [];
  const index = list.indexOf(listener);
  if (index !== -1) list.splice(index, 1);
  if (list.length === 0) current.delete(listener.type);
}

function readType(name: unknown): EventType {
  return typeof name === "symbol" ? name : text(name);
}

/** Reads every option once, since reading may run a document's code. */
function readOptions(given: unknown): AddEventListenerOptions {
  if (typeof given !== "object" || given === null) return { capture: !!given };
  const { capture, once, passive, signal } = given as AddEventListenerOptions;
  const options: AddEventListenerOptions = { capture: !!capture, once: !!once };
  if (passive !== undefined) options.passive = passive;
  if (signal !== undefined) options.signal = signal;
  return options;
}

function isWanted({ options }: Listener): boolean {
  return options.signal?.aborted !== true;
}
