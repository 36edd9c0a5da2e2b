/**
 * The guard between the entry and one worker.
 *
 * Comlink resolves whatever path, handler name or message type it is sent, so nothing from a worker
 * reaches it unchecked. Two kinds of message pass, each rebuilt from what was checked: a call of one
 * allow-listed name with plain arguments, and the first answer to a call that is open. Answers to tasks
 * and the heartbeat pass beside Comlink. Everything else is a violation, as are more calls than a
 * worker can have a use for, and the owner of the guard ends the worker.
 *
 * @module
 */

import type { Endpoint } from "../deps/comlink.ts";
import { messageOf, parseErrorRecord, toErrorRecord } from "../errors.ts";
import type { Carried } from "./carrier.ts";
import { MAX_ANSWERS, type PingMessage } from "./channel.ts";
import { Rate } from "./rate.ts";
import { findForbidden, isRecord, releaseStreams } from "./values.ts";

/** Turns the raw value of an answer into what the caller gets; throws when the value is not what it asked for. */
export type Accept = (value: unknown) => unknown;

/** What a {@linkcode Guard} needs to know. */
export interface GuardOptions {
  /** The names that the worker may call. */
  names: ReadonlySet<string>;
  /** Sends to the worker. */
  post(message: unknown, transfer: Transferable[]): void;
  /** Hears what the worker did wrong; called at most once. */
  onViolation(what: string): void;
  /** Calls that a worker may have open at once. */
  maxOpenCalls: number;
  /** Takes answers to tasks; says what is wrong with them, if something is. */
  onAnswers(list: readonly unknown[]): string | undefined;
  /** Hears that the worker's event loop turns, and what its heap uses. */
  onPong(heapBytes: number): void;
}

/** Most arguments that a call from a worker may have. */
const MAX_ARGUMENTS = 16;
const MAX_ID_LENGTH = 128;
/** Calls that a worker may make at once, and those that it may make in each second after. */
const CALLS_BURST = 50_000;
const CALLS_PER_SECOND = 50_000;
/**
 * Calls after which a worker is asked whether it listens, and those that it may make until it answers.
 * One that waits for answers has never more of them on the way than it may have open; one that does not
 * is told from it however slow the entry is.
 */
const UNHEARD_CALLS = 1024;
const MAX_UNHEARD_CALLS = 4 * UNHEARD_CALLS;

type Listener = (event: { data: unknown; origin: string }) => void;

/** Checks the messages of one worker and hands them to the two ends of Comlink. */
export class Guard {
  /** Where Comlink's `expose` listens: calls by the worker. */
  readonly calls: Endpoint;
  /** Where Comlink's `wrap` listens: answers of the worker. */
  readonly answers: Endpoint;
  #options: GuardOptions | undefined;
  readonly #callListeners = new Set<Listener>();
  readonly #answerListeners = new Set<Listener>();
  readonly #openCalls = new Set<string>();
  readonly #openQuestions = new Map<string, Accept>();
  readonly #rate = new Rate(CALLS_BURST, CALLS_PER_SECOND);
  #nextAccept: Accept = acceptPlain;
  /** Heartbeats that the worker was asked for and has not sent, and whether the guard itself asked. */
  readonly #pings: boolean[] = [];
  /** Calls since the worker last showed that it listens. */
  #unheard = 0;

  constructor(options: GuardOptions) {
    this.#options = options;
    this.calls = endpoint(this.#callListeners, (message, transfer) => {
      if (this.#options === undefined) return;
      this.#openCalls.delete(message.id as string);
      this.#options.post(message, transfer);
    });
    this.answers = endpoint(this.#answerListeners, (message, transfer) => {
      // Comlink also sends RELEASE when it collects a proxy; a worker never needs to hear of it.
      if (this.#options === undefined || message.type !== "APPLY") return;
      this.#ask(message, transfer);
    });
  }

  /**
   * Runs `send`, which must call the worker through Comlink exactly once and at once, and lets `accept`
   * judge the answer.
   */
  asking<T>(accept: Accept | undefined, send: () => T): T {
    this.#nextAccept = accept ?? acceptPlain;
    try {
      return send();
    } finally {
      this.#nextAccept = acceptPlain;
    }
  }

  /** Lets one heartbeat pass: the worker is being asked for it. */
  pinged(): void {
    this.#pings.push(false);
  }

  /** Takes one message of the worker. */
  receive(event: Carried): void {
    const options = this.#options;
    if (options === undefined) return;
    let fault: string | undefined;
    try {
      fault = this.#take(event, options);
    } catch (error) {
      // A message may be too large even to be looked through, and an error here would end the process.
      fault = `sent a message that cannot be checked: ${messageOf(error)}`;
    }
    if (fault === undefined) return;
    this.close();
    options.onViolation(fault);
    release(event);
  }

  /**
   * Lets nothing pass any more, in either direction, and forgets whom it served: Comlink keeps the
   * endpoints for as long as the proxies made of them live, which must not keep a worker's owner alive.
   */
  close(): void {
    this.#options = undefined;
    this.#openCalls.clear();
    this.#openQuestions.clear();
    this.#callListeners.clear();
    this.#answerListeners.clear();
  }

  #ask(message: Record<string, unknown>, transfer: Transferable[]): void {
    const id = message.id as string;
    this.#openQuestions.set(id, this.#nextAccept);
    try {
      this.#options!.post(message, transfer);
    } catch (error) {
      // What cannot be cloned was never sent: answer in the worker's place, so that nothing stays open.
      this.#openQuestions.delete(id);
      dispatch(this.#answerListeners, thrown(id, toErrorRecord(error)));
    }
  }

  #take(event: Carried, options: GuardOptions): string | undefined {
    if (event.ports.length > 0) return "sent a port";
    const data: unknown = event.data;
    if (!isRecord(data)) return "sent a message that is no record";
    const { id, type } = data;
    if (type === "ANSWERS") return takeAnswers(data.list, options);
    if (type === "PONG") return this.#takePong(data.heapBytes, options);
    if (typeof id !== "string" || id === "" || id.length > MAX_ID_LENGTH) {
      return "sent a message without a usable id";
    }
    if (type === "APPLY") {
      if (this.#isFlood(options)) return "floods the box with calls";
      return this.#takeCall(id, data, options);
    }
    if (type === "RAW" || type === "HANDLER") return this.#takeAnswer(id, data);
    return `sent a message of type ${typeof type === "string" ? type.slice(0, 32) : typeof type}`;
  }

  #isFlood({ post }: GuardOptions): boolean {
    if (++this.#unheard === UNHEARD_CALLS) {
      this.#pings.push(true);
      post({ type: "PING" } satisfies PingMessage, []);
    }
    return !this.#rate.take() || this.#unheard > MAX_UNHEARD_CALLS;
  }

  #takePong(heapBytes: unknown, { onPong }: GuardOptions): string | undefined {
    const own = this.#pings.shift();
    if (own === undefined) return "sent a heartbeat that nobody asked for";
    if (!Number.isSafeInteger(heapBytes) || (heapBytes as number) < 0) {
      return "sent a malformed heartbeat";
    }
    if (own) this.#unheard = 0;
    else onPong(heapBytes as number);
    return undefined;
  }

  #takeCall(
    id: string,
    data: Record<string, unknown>,
    { names, maxOpenCalls }: GuardOptions,
  ): string | undefined {
    const { path, argumentList } = data;
    if (!Array.isArray(path) || path.length !== 1 || typeof path[0] !== "string") {
      return "called a path that is not one name";
    }
    const name: string = path[0];
    if (!names.has(name)) return `called the unknown name "${name.slice(0, 64)}"`;
    if (this.#openCalls.has(id)) return "called with an id that is in use";
    if (this.#openCalls.size >= maxOpenCalls) return `has more than ${maxOpenCalls} calls open`;
    if (!Array.isArray(argumentList) || argumentList.length > MAX_ARGUMENTS) {
      return `called "${name}" with a malformed argument list`;
    }
    const rebuilt: unknown[] = [];
    for (let i = 0; i < argumentList.length; i++) {
      const argument: unknown = argumentList[i];
      if (!isRecord(argument) || argument.type !== "RAW") {
        return `called "${name}" with an argument that is not raw`;
      }
      const found = findForbidden(argument.value);
      if (found !== undefined) return `called "${name}" with ${found}`;
      rebuilt.push({ type: "RAW", value: argument.value });
    }
    this.#openCalls.add(id);
    dispatch(this.#callListeners, { id, type: "APPLY", path: [name], argumentList: rebuilt });
    return undefined;
  }

  #takeAnswer(id: string, data: Record<string, unknown>): string | undefined {
    const accept = this.#openQuestions.get(id);
    if (accept === undefined) return "answered a question that is not open";
    if (data.type === "HANDLER") {
      const record = data.name === "throw" && isRecord(data.value)
        ? parseErrorRecord(data.value.value)
        : undefined;
      if (record === undefined) return "answered with a handler that is not an error record";
      this.#openQuestions.delete(id);
      dispatch(this.#answerListeners, thrown(id, record));
      return undefined;
    }
    let value: unknown;
    try {
      value = accept(data.value);
    } catch (error) {
      return `answered with ${error instanceof Error ? error.message : "something else"}`;
    }
    this.#openQuestions.delete(id);
    dispatch(this.#answerListeners, { id, type: "RAW", value });
    return undefined;
  }
}

function takeAnswers(list: unknown, { onAnswers }: GuardOptions): string | undefined {
  if (!Array.isArray(list) || list.length === 0 || list.length > MAX_ANSWERS) {
    return "sent malformed answers";
  }
  return onAnswers(list);
}

/** Closes what a refused message has brought into this isolate. */
function release({ ports, data }: Carried): void {
  for (const port of ports) port.close();
  try {
    releaseStreams(data);
  } catch {
    // Too large to be looked through: what it brought goes with the worker.
  }
}

/** Accepts any plain data. */
function acceptPlain(value: unknown): unknown {
  const found = findForbidden(value);
  if (found !== undefined) throw new TypeError(found);
  return value;
}

function thrown(id: string, record: unknown): unknown {
  return { id, type: "HANDLER", name: "throw", value: { isError: true, value: record } };
}

function dispatch(listeners: ReadonlySet<Listener>, data: unknown): void {
  for (const listener of [...listeners]) listener({ data, origin: "" });
}

function endpoint(
  listeners: Set<Listener>,
  post: (message: Record<string, unknown>, transfer: Transferable[]) => void,
): Endpoint {
  return {
    addEventListener: (_type: string, listener: EventListenerOrEventListenerObject) => {
      listeners.add(listener as unknown as Listener);
    },
    removeEventListener: (_type: string, listener: EventListenerOrEventListenerObject) => {
      listeners.delete(listener as unknown as Listener);
    },
    postMessage: (message: Record<string, unknown>, transfer: Transferable[] = []) => {
      post(message, transfer);
    },
  } as Endpoint;
}
