/**
 * What a handler of messages finds as its second argument. Its parts are made when they are asked for; to the
 * handler it is an object that has them all, and can be listed, spread and written to.
 *
 * @module
 */

import type { Phases } from "../pool/entry/phases.ts";
import type { TaskRun } from "../pool/entry/runner.ts";
import type { Rooms } from "../thread/entry/rooms.ts";
import type { Log } from "../types/log.ts";
import type { Store } from "../types/store.ts";
import type { Session, Xbox, XboxContext, XboxThread } from "../types/xbox.ts";
import type { Delivery } from "./carrier.ts";

/** What {@linkcode makeContext} needs. */
export interface MessageParts {
  /** The task. */
  run: TaskRun;
  /** The box. */
  rooms: Rooms;
  /** The session that the message belongs to. */
  session: Session;
  /** What runs after the handler. */
  phases: Phases;
  /** What the worker may ask of itself. */
  thread: XboxThread;
}

/** Makes the context of one message. */
export function makeContext(delivery: Delivery, parts: MessageParts): XboxContext {
  return new Proxy(new MessageContext(delivery, parts), whole);
}

/** The parts, as getters until somebody asks for more than one part by its name. */
class MessageContext implements XboxContext {
  readonly from: string;
  readonly attempt: number;
  readonly key: string | undefined;
  readonly session: Session;
  readonly threadType = "Xbox Thread";
  readonly #parts: MessageParts;
  #xbox: Xbox | undefined;
  #log: Log | undefined;
  #isComplete = false;

  constructor([, from, attempt, key]: Delivery, parts: MessageParts) {
    this.from = from;
    this.attempt = attempt;
    this.key = key;
    this.session = parts.session;
    this.#parts = parts;
  }

  get store(): Store {
    return this.#parts.rooms.store();
  }

  get xbox(): Xbox {
    return this.#xbox ??= this.#makeXbox();
  }

  get signal(): AbortSignal {
    return this.#parts.run.signal;
  }

  get log(): Log {
    const { rooms, run } = this.#parts;
    return this.#log ??= rooms.log({ requestId: run.requestId });
  }

  get onShutdown(): Phases["onShutdown"] {
    return this.#parts.phases.onShutdown;
  }

  get onPostSend(): Phases["onPostSend"] {
    return this.#parts.phases.onPostSend;
  }

  get onCleanup(): Phases["onCleanup"] {
    return this.#parts.phases.onCleanup;
  }

  get waitUntil(): (promise: Promise<unknown>) => void {
    const { phases } = this.#parts;
    return (promise) => phases.waitUntil(promise);
  }

  /** Makes a plain object of it, with every part in its place, where it may be changed. */
  static complete(context: MessageContext): MessageContext {
    if (context.#isComplete) return context;
    context.#isComplete = true;
    const getters = Object.getOwnPropertyDescriptors(MessageContext.prototype);
    for (const [name, { get }] of Object.entries(getters)) {
      if (get === undefined) continue;
      const value: unknown = get.call(context);
      const isPlain = { writable: true, enumerable: true, configurable: true };
      Object.defineProperty(context, name, { value, ...isPlain });
    }
    return Object.setPrototypeOf(context, Object.prototype);
  }

  #makeXbox(): Xbox {
    const { rooms, run, thread } = this.#parts;
    const { id: taskId, requestId, signal } = run;
    return rooms.xbox({ taskId, requestId, signal, thread });
  }
}

const { complete } = MessageContext;
const whole: ProxyHandler<MessageContext> = {
  // Private fields are not the proxy's.
  get: (context, name) => Reflect.get(context, name),
  getPrototypeOf: (context) => Reflect.getPrototypeOf(complete(context)),
  ownKeys: (context) => Reflect.ownKeys(complete(context)),
  getOwnPropertyDescriptor: (context, name) =>
    Reflect.getOwnPropertyDescriptor(complete(context), name),
  set: (context, name, value, receiver) => Reflect.set(complete(context), name, value, receiver),
  defineProperty: (context, name, descriptor) =>
    Reflect.defineProperty(complete(context), name, descriptor),
  deleteProperty: (context, name) => Reflect.deleteProperty(complete(context), name),
  preventExtensions: (context) => Reflect.preventExtensions(complete(context)),
};
