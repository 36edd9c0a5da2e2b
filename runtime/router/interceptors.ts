/**
 * Handlers for some messages only.
 *
 * @module
 */

import { fail } from "../checks.ts";
import type { RoutedMessage, RouterEventListener } from "./types.ts";

/** What an interceptor is offered: a message, or an error of the router. */
export interface InterceptedEvent {
  /** Whether it is an error; then there is no message. */
  readonly hasException: boolean;
  /** The error, if it is one. */
  readonly exception: unknown;
  /** The message. Reading it where `hasException` is set throws a `TypeError`. */
  readonly message: RoutedMessage;
}

/** Handlers, and for what they are. */
export interface Interceptor {
  /** Whether the handlers are for this. */
  matches(event: InterceptedEvent): boolean;
  /** Called one after another; a promise is awaited before the next. For errors nothing is awaited. */
  readonly handlers: readonly ((event: InterceptedEvent) => void | Promise<void>)[];
  /**
   * Whether interceptors behind this one are not asked when it matches.
   *
   * @default false
   */
  readonly stopPropagation?: boolean;
}

/**
 * A listener that offers what arrives, and what fails, to interceptors in their order. Neighbours that are gone are not offered.
 *
 * @example Usage
 * ```ts
 * import { tree } from "@tandem/tandem";
 *
 * await using root = tree.root();
 * root.addListener(
 *   new tree.InterceptorListener([{
 *     matches: ({ hasException }) => hasException,
 *     handlers: [({ exception }) => reportError(exception)],
 *     stopPropagation: true,
 *   }]),
 * );
 * ```
 */
export class InterceptorListener implements RouterEventListener {
  /** Lower ones are called first. */
  readonly priority: number;
  readonly #interceptors: readonly Interceptor[];

  /**
   * Makes one of interceptors, asked in this order.
   *
   * @throws {TypeError} if one of them is none
   */
  constructor(interceptors: readonly Interceptor[], priority = 0) {
    if (!Array.isArray(interceptors)) fail("interceptors", "a list", interceptors);
    interceptors.forEach(check);
    this.#interceptors = [...interceptors];
    this.priority = priority;
  }

  /** Offers a message. */
  async onMessageReceived(message: RoutedMessage): Promise<void> {
    for (const handler of this.#handlersOf({ hasException: false, exception: null, message })) {
      await handler();
    }
  }

  /** Offers an error. */
  onRouterError(_operation: string, _errno: number, _text: string, exception: unknown): void {
    const event: InterceptedEvent = {
      hasException: true,
      exception,
      get message(): never {
        throw new TypeError("Cannot read the message: this event is an error");
      },
    };
    for (const handler of this.#handlersOf(event)) {
      Promise.resolve(handler()).catch((error) => reportError(error));
    }
  }

  *#handlersOf(event: InterceptedEvent): Generator<() => void | Promise<void>> {
    for (const interceptor of this.#interceptors) {
      if (!interceptor.matches(event)) continue;
      for (const handler of interceptor.handlers) yield () => handler(event);
      if (interceptor.stopPropagation) return;
    }
  }
}

function check(interceptor: Interceptor, place: number): void {
  const name = `interceptors[${place}]`;
  if (typeof interceptor !== "object" || interceptor === null) fail(name, "an object", interceptor);
  const { matches, handlers, stopPropagation = false } = interceptor;
  if (typeof matches !== "function") fail(`${name}.matches`, "a function", matches);
  if (!Array.isArray(handlers) || !handlers.every((handler) => typeof handler === "function")) {
    fail(`${name}.handlers`, "a list of functions", handlers);
  }
  if (typeof stopPropagation !== "boolean") {
    fail(`${name}.stopPropagation`, "true or false", stopPropagation);
  }
}
