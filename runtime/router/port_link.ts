/**
 * Links over message ports and web Workers: anything with `postMessage` and message events.
 *
 * Neither reports that its other end is gone, except for an uncaught error in a Worker.
 *
 * @module
 */

import { SIGKILL } from "../process/signal_numbers.ts";
import type { WireFrame } from "./frames.ts";
import type { ExitStatus, Link, LinkEvents } from "./link.ts";

/** Says that this side listens. */
const READY = "tandem-link-ready";

/** Asks for what the other side has to say before the link opens. */
export const ASK = "tandem-link-ask";

/** What such a link needs of its channel. */
export interface Endpoint extends EventTarget {
  postMessage(message: unknown): void;
  start?(): void;
}

/** One side of a link over an endpoint. */
export class PortLink implements Link {
  readonly learnsEnd = false;
  readonly #endpoint: Endpoint;
  readonly #release: () => void;
  readonly #stop = new AbortController();
  #greeting: unknown;
  #events: LinkEvents | undefined;
  #open = false;
  #ended = false;

  /** Takes over an endpoint; `release` closes it for good, `greeting` is sent once to a side that asks for it. */
  constructor(endpoint: Endpoint, release: () => void, greeting?: unknown) {
    this.#endpoint = endpoint;
    this.#release = release;
    this.#greeting = greeting;
  }

  start(events: LinkEvents): void {
    this.#events = events;
    const { signal } = this.#stop;
    const on = (type: string, listener: (event: Event) => void) =>
      this.#endpoint.addEventListener(type, listener, { signal });
    on("message", (event) => this.#receive((event as MessageEvent).data));
    on("messageerror", () => events.onFault(new Error("A message could not be read")));
    // Inside a worker, an error that nobody catches is the parent's to see.
    if ("terminate" in this.#endpoint) on("error", (event) => this.#fail(event));
    this.#endpoint.start?.();
    // The side that listens first is not heard: the other answers when it is there.
    this.#post(READY);
  }

  send(frame: WireFrame): void {
    this.#post(frame);
  }

  signal(signo: number): boolean {
    if (signo !== SIGKILL) {
      throw new RangeError(
        `Cannot signal a worker for real: it takes ${SIGKILL} (SIGKILL) only, and ${signo} was given`,
      );
    }
    if (this.#ended) return false;
    this.end({ type: "signaled", value: signo });
    return true;
  }

  end(status: ExitStatus | null): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#stop.abort();
    this.#release();
    this.#events?.onEnd(status);
  }

  #post(message: unknown): void {
    if (!this.#ended) this.#endpoint.postMessage(message);
  }

  #receive(data: unknown): void {
    if (data === ASK) {
      if (this.#greeting !== undefined) this.#post(this.#greeting);
      this.#greeting = undefined;
      return;
    }
    if (data === READY) return this.#opened();
    // A side that was ready before this one has been heard, or has not; what it sends says that it is there.
    this.#opened();
    if (!this.#ended) this.#events!.onFrame(data);
  }

  #opened(): void {
    if (this.#open || this.#ended) return;
    this.#open = true;
    this.#post(READY);
    this.#events!.onOpen();
  }

  #fail(event: Event): void {
    event.preventDefault();
    this.#events!.onFault((event as ErrorEvent).error ?? new Error((event as ErrorEvent).message));
    this.end({ type: "exited", value: 1 });
  }
}

/** Both ends of a link inside one isolate. */
export function linkPair(): [Link, Link] {
  const { port1, port2 } = new MessageChannel();
  return [
    new PortLink(port1, () => port1.close()),
    new PortLink(port2, () => port2.close()),
  ];
}
