/**
 * Learns whether the client of a request is still there.
 *
 * Deno aborts a request's signal also when the response has been sent in full, so the signal counts
 * only until there is a response. After that a client that is gone shows in its body being cancelled.
 *
 * @module
 */

/** Watches the client of one request. */
export class ClientWatch {
  /** Aborts when the client has gone before it got its whole response. */
  readonly signal: AbortSignal;
  readonly #abort = new AbortController();
  readonly #request: Request;
  readonly #gone: () => void;
  #running = 0;

  constructor(request: Request) {
    this.#request = request;
    this.signal = this.#abort.signal;
    this.#gone = () => this.#leave();
    request.signal.addEventListener("abort", this.#gone);
  }

  /** The request has started something that ends with `ended`. */
  started(ended: Promise<void>): void {
    this.#running++;
    ended.then(() => this.#running--);
  }

  /** Hands the response on; `ended` is called once when it has been sent, or cannot be. */
  send(response: Response, ended: () => void): Response {
    this.#request.signal.removeEventListener("abort", this.#gone);
    // Only a body that something still feeds needs to be watched.
    if (response.body === null || (this.#running === 0 && isWhole(response.body))) {
      ended();
      return response;
    }
    return new Response(this.#watched(response.body, ended), response);
  }

  #watched(body: ReadableStream<Uint8Array>, ended: () => void): ReadableStream<Uint8Array> {
    const reader = body.getReader();
    let over = false;
    const end = () => {
      if (!over) ended();
      over = true;
    };
    return new ReadableStream<Uint8Array>({
      async pull(controller) {
        try {
          const { done, value } = await reader.read();
          if (!done) return controller.enqueue(value);
          controller.close();
        } catch (error) {
          controller.error(error);
        }
        end();
      },
      cancel: async (reason) => {
        this.#leave();
        end();
        await reader.cancel(reason);
      },
    }, { highWaterMark: 0 });
  }

  #leave(): void {
    this.#abort.abort(new DOMException("The client has gone", "AbortError"));
  }
}

/**
 * Whether a body was made from text or bytes: the Fetch standard makes such a body a byte stream,
 * while a stream that a handler writes to is as good as never one.
 */
function isWhole(body: ReadableStream<Uint8Array>): boolean {
  try {
    body.getReader({ mode: "byob" }).releaseLock();
    return true;
  } catch {
    return false;
  }
}
