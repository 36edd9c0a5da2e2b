/**
 * Learns whether the client of a request is still there.
 *
 * Deno aborts a request's signal also when the response has been sent in full, so the signal counts
 * only until there is a response. After that a client that is gone shows in its body being cancelled.
 *
 * @module
 */

import { isUnfinished } from "../pagelet/flush.ts";

/** Watches the client of one request. */
export class ClientWatch {
  /** Aborts when the client has gone before it got its whole response. */
  readonly signal: AbortSignal;
  readonly #abort = new AbortController();
  readonly #request: Request;
  readonly #gone: () => void;
  #running = 0;
  /** Whether the handler itself asked for the signal. */
  asked = false;

  constructor(request: Request) {
    this.#request = request;
    this.signal = this.#abort.signal;
    this.#gone = () => this.#leave();
    if (request.signal.aborted) this.#leave();
    else request.signal.addEventListener("abort", this.#gone);
  }

  /** The time of the request is up. */
  expire(error: Error): void {
    this.#abort.abort(error);
  }

  /** The request has started something that ends with `ended`. */
  started(ended: Promise<void>): void {
    this.#running++;
    ended.then(() => this.#running--);
  }

  /**
   * Watches the response's body, if there is something left that would have to be cancelled: what the
   * request has started still runs, or the page is still being written and may start more.
   */
  watch(response: Response): Response {
    this.#request.signal.removeEventListener("abort", this.#gone);
    const { body } = response;
    if (body === null) {
      if (this.#request.method === "HEAD") this.#leave();
      return response;
    }
    if (!this.asked && this.#running === 0 && !isUnfinished(body)) return response;
    return new Response(this.#watched(body), response);
  }

  #watched(body: ReadableStream<Uint8Array>): ReadableStream<Uint8Array> {
    const reader = body.getReader();
    return new ReadableStream<Uint8Array>({
      async pull(controller) {
        try {
          const { done, value } = await reader.read();
          if (!done) return controller.enqueue(value);
          controller.close();
        } catch (error) {
          controller.error(error);
        }
      },
      cancel: async (reason) => {
        this.#leave();
        await reader.cancel(reason);
      },
    }, { highWaterMark: 0 });
  }

  #leave(): void {
    this.#abort.abort(new DOMException("The client has gone", "AbortError"));
  }
}
