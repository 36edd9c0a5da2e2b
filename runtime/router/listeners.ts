/**
 * The listeners of one node, in their order.
 *
 * @module
 */

import { fail } from "../checks.ts";
import { messageOf } from "../errors.ts";
import type { RouterEventListener } from "./types.ts";

/** The events that listeners are awaited on. */
type Awaited = "onMessageReceived" | "onMessageSent" | "onPeerShutdown";

/** The events that only tell. */
type Told =
  | "onAckTimeout"
  | "onExitLoop"
  | "onInterruptReceive"
  | "onRemoteLoss"
  | "onShutdown"
  | "onStart";

const EVENTS: readonly (Awaited | Told | "onRouterError")[] = [
  "onAckTimeout",
  "onExitLoop",
  "onInterruptReceive",
  "onMessageReceived",
  "onMessageSent",
  "onPeerShutdown",
  "onRemoteLoss",
  "onRouterError",
  "onShutdown",
  "onStart",
];

/** Calls listeners in order of priority and turns what they throw into router errors. */
export class Listeners {
  #listeners: readonly RouterEventListener[] = [];

  /** Adds one behind those of its priority. */
  add(listener: RouterEventListener): void {
    if (typeof listener !== "object" || listener === null) fail("listener", "an object", listener);
    const { priority } = listener;
    if (priority !== undefined && typeof priority !== "number" || Number.isNaN(priority)) {
      fail("listener.priority", "a number", priority);
    }
    for (const event of EVENTS) {
      const method = listener[event];
      if (method !== undefined && typeof method !== "function") {
        fail(`listener.${event}`, "a function", method);
      }
    }
    const all = [...this.#listeners, listener];
    this.#listeners = all.sort((a, b) => (a.priority ?? 0) - (b.priority ?? 0));
  }

  /** Removes one. */
  remove(listener: RouterEventListener): void {
    this.#listeners = this.#listeners.filter((known) => known !== listener);
  }

  /** Whether anybody listens to an event. */
  wants(event: Awaited | Told): boolean {
    return this.#listeners.some((listener) => listener[event] !== undefined);
  }

  /**
   * Calls all, each when the one before is done; the first failure ends it. Where nobody returns a promise it is over at once, and
   * nothing is returned.
   */
  run<E extends Awaited>(
    event: E,
    ...args: Parameters<NonNullable<RouterEventListener[E]>>
  ): Promise<void> | undefined {
    return this.#from(0, this.#listeners, event, args);
  }

  #from(
    start: number,
    listeners: readonly RouterEventListener[],
    event: Awaited,
    args: readonly unknown[],
  ): Promise<void> | undefined {
    for (let at = start; at < listeners.length; at++) {
      const listener = listeners[at]!;
      try {
        const result = (listener[event] as ((...args: unknown[]) => unknown) | undefined)
          ?.call(listener, ...args);
        if (result !== undefined) return this.#after(result, at + 1, listeners, event, args);
      } catch (error) {
        this.#failIn(event, error);
        return;
      }
    }
  }

  async #after(
    result: unknown,
    next: number,
    listeners: readonly RouterEventListener[],
    event: Awaited,
    args: readonly unknown[],
  ): Promise<void> {
    try {
      await result;
    } catch (error) {
      return this.#failIn(event, error);
    }
    await this.#from(next, listeners, event, args);
  }

  #failIn(event: Awaited, error: unknown): void {
    this.fail(event === "onMessageSent" ? "send" : "receive", error);
  }

  /** Calls all and waits for none. */
  tell<E extends Told>(event: E, ...args: Parameters<NonNullable<RouterEventListener[E]>>): void {
    for (const listener of this.#listeners) {
      try {
        (listener[event] as ((...args: unknown[]) => unknown) | undefined)?.call(listener, ...args);
      } catch (error) {
        this.fail("receive", error);
      }
    }
  }

  /** Tells all that something failed; what fails in there goes to the host. */
  fail(operation: "receive" | "send", error: unknown): void {
    const errno = numberOf(error);
    for (const listener of this.#listeners) {
      try {
        listener.onRouterError?.(operation, errno, messageOf(error), error);
      } catch (again) {
        reportError(again);
      }
    }
  }
}

/** The number of an error, if it has one. */
function numberOf(error: unknown): number {
  const { errno, code } = (error ?? {}) as { errno?: unknown; code?: unknown };
  const number = errno ?? code;
  return typeof number === "number" && Number.isFinite(number) ? number : 0;
}
