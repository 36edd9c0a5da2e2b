/**
 * Knows what stands in a worker's `onerror`, `onunhandledrejection` and `onmessage`.
 *
 * It takes effect when it is loaded. Deno makes the listener behind such a property when the property
 * is first set, and never again; so each is set once here, and that listener belongs to every state.
 *
 * @module
 */

import type { EventType } from "./listeners.ts";
import "./listeners.ts";

/** What stood in the handler properties at one moment. */
export type HandlerState = readonly unknown[];

/** A property such as `onerror`. */
interface HandlerProperty {
  /** The event, without the `on`. */
  type: EventType;
  get: () => unknown;
  set: (value: unknown) => void;
}

const { apply } = Reflect;
const properties = findProperties();
// The listeners exist only now, and stay when documents' listeners are put back.
for (const { set } of properties) {
  apply(set, globalThis, [() => {}]);
  apply(set, globalThis, [null]);
}

/** Remembers what stands in them now. */
export function readHandlers(): HandlerState {
  return properties.map(({ get }) => apply(get, globalThis, []));
}

/**
 * Sets those that hold something else than they did.
 *
 * @param state What they held.
 * @param only The events to look at; all unless given.
 */
export function restoreHandlers(state: HandlerState, only?: readonly EventType[]): void {
  for (let index = 0; index < properties.length; index++) {
    const { type, get, set } = properties[index]!;
    if (only?.includes(type) === false) continue;
    if (apply(get, globalThis, []) !== state[index]) apply(set, globalThis, [state[index]]);
  }
}

function findProperties(): HandlerProperty[] {
  const found: HandlerProperty[] = [];
  for (const name of Object.getOwnPropertyNames(globalThis)) {
    if (!name.startsWith("on")) continue;
    const { get, set } = Reflect.getOwnPropertyDescriptor(globalThis, name)!;
    if (get !== undefined && set !== undefined) found.push({ type: name.slice(2), get, set });
  }
  return found;
}
