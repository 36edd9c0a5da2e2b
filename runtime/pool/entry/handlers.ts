/**
 * Knows what stands in a worker's `onerror`, `onunhandledrejection` and `onmessage`.
 *
 * It takes effect when it is loaded. Deno makes the listener behind such a property when the property
 * is first set, and never again; so each is set once here, and that listener belongs to every state.
 *
 * @module
 */

import { disguise } from "./disguise.ts";
import type { EventType } from "./listeners.ts";
import "./listeners.ts";

/** What stood in the handler properties at one moment. */
export interface HandlerState {
  /** In the order of the properties. */
  readonly values: readonly unknown[];
  /** At which change they were last the same. */
  same: number;
}

/** A property such as `onerror`. */
interface HandlerProperty {
  /** The event, without the `on`. */
  type: EventType;
  get: () => unknown;
  set: (value: unknown) => void;
}

const { apply, defineProperty } = Reflect;
/** How often one of them was set. */
let changes = 0;
const properties = findProperties();
// The listeners exist only now, and stay when documents' listeners are put back.
for (const { set } of properties) {
  apply(set, globalThis, [() => {}]);
  apply(set, globalThis, [null]);
}

/** Remembers what stands in them now. */
export function readHandlers(): HandlerState {
  return { values: properties.map(({ get }) => apply(get, globalThis, [])), same: changes };
}

/**
 * Sets those that hold something else than they did.
 *
 * @param state What they held.
 * @param only The events to look at; all unless given.
 */
export function restoreHandlers(state: HandlerState, only?: readonly EventType[]): void {
  if (state.same === changes) return;
  const { values } = state;
  for (let index = 0; index < properties.length; index++) {
    const { type, get, set } = properties[index]!;
    if (only?.includes(type) === false) continue;
    if (apply(get, globalThis, []) !== values[index]) apply(set, globalThis, [values[index]]);
  }
  if (only === undefined) state.same = changes;
}

function findProperties(): HandlerProperty[] {
  const found: HandlerProperty[] = [];
  for (const name of Object.getOwnPropertyNames(globalThis)) {
    if (!name.startsWith("on")) continue;
    const descriptor = Reflect.getOwnPropertyDescriptor(globalThis, name)!;
    const { get, set } = descriptor;
    if (get === undefined || set === undefined) continue;
    found.push({ type: name.slice(2), get, set });
    const watched = {
      set(this: unknown, value: unknown): void {
        changes++;
        apply(set, this, [value]);
      },
    };
    defineProperty(globalThis, name, { ...descriptor, set: disguise(watched.set, set) });
  }
  return found;
}
