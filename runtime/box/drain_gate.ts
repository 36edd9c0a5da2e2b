/**
 * The last requests of a listener.
 *
 * A listener that closes takes with it the connections that it has not accepted yet, and those whose next
 * request it has not read. So it closes only while nothing comes: clients are told to close their connections, and
 * what comes on new ones waits here for the few milliseconds until it is quiet.
 *
 * @module
 */

/** So long, and for so many turns of the event loop, must nothing have come before a listener closes, in milliseconds. */
const QUIET_MS = 25;
const QUIET_TURNS = 5;
/** So long is waited for the answers to requests whose clients come back, and for quiet where requests never cease. */
const LONGEST_ANSWER_MS = 500;
const LONGEST_HOLD_MS = 150;
const LOOK_MS = 5;
/** Bodies up to this size are read before they wait, since Deno cuts off what is unread when the listener closes. */
const MOST_HELD_BYTES = 2 ** 18;

/** Stands between a listener and what answers its requests. */
export class DrainGate {
  #arrived = 0;
  #closing = false;
  #held: PromiseWithResolvers<void> | undefined;
  /** Requests that are being answered. */
  #active = 0;
  /** Those that may have a body still to be read. */
  readonly #writes = new Set<Request>();

  /** Lets a request pass, now or when the listener has closed; what passes then may be a copy with its body read. */
  async pass(
    request: Request,
    answer: (request: Request) => Promise<Response>,
  ): Promise<Response> {
    this.#arrived++;
    const { method } = request;
    const writes = method !== "GET" && method !== "HEAD";
    if (writes) this.#writes.add(request);
    let passing = request;
    let isActive = false;
    try {
      const held = this.#held;
      // A long upload could not be kept, and is waited for instead.
      if (held !== undefined && (!writes || isShort(request))) {
        if (writes && request.body !== null) {
          passing = new Request(request, { body: await request.arrayBuffer() });
        }
        this.#writes.delete(request);
        await held.promise;
      }
      this.#active++;
      isActive = true;
      const response = await answer(passing);
      return this.#closing ? closing(response) : response;
    } finally {
      if (isActive) this.#active--;
      this.#writes.delete(request);
    }
  }

  /**
   * Resolves when the listener may close: when uploads have ended, since Deno cuts them off, and when nothing new has
   * come for a moment. From then on requests wait until {@linkcode release}.
   *
   * @param uploads Latest time for the uploads that have begun, on the clock of `performance.now()`.
   * @param end Latest time for all of it, on the same clock.
   * @param signal Ends the wait.
   */
  async quiet(uploads: number, end: number, signal: AbortSignal): Promise<void> {
    const now = () => signal.aborted ? Infinity : performance.now();
    this.#closing = true;
    // Where uploads never cease, those that come later are not waited for here.
    const begun = [...this.#writes];
    while (begun.some((request) => this.#writes.has(request)) && now() < uploads) await look();
    this.#held = Promise.withResolvers();
    // Who is answered now comes back on a new connection, and is held then.
    const answered = Math.min(end, now() + LONGEST_ANSWER_MS);
    while (this.#active > 0 && now() < answered) await look();
    const latest = Math.min(end, now() + LONGEST_HOLD_MS);
    let seen = this.#arrived;
    let since = now();
    for (let turns = 0; now() < (this.#writes.size > 0 ? end : latest); turns++) {
      if (this.#arrived !== seen || this.#writes.size > 0) {
        [seen, since, turns] = [this.#arrived, now(), 0];
      } else if (turns >= QUIET_TURNS && now() - since >= QUIET_MS) return;
      await look();
    }
  }

  /** The listener has closed: what was held is answered. Resolves when all of it has passed. */
  async release(): Promise<void> {
    this.#held?.resolve();
    this.#held = undefined;
    await look(0);
  }
}

function look(ms = LOOK_MS): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** Whether a body is small enough to be kept. */
function isShort({ headers }: Request): boolean {
  if (headers.has("transfer-encoding")) return false;
  return Number(headers.get("content-length") ?? 0) <= MOST_HELD_BYTES;
}

/** The same response; its connection takes no other request. */
function closing(response: Response): Response {
  const { status, statusText, body } = response;
  // An upgraded connection is no longer one of requests.
  if (status === 101) return response;
  try {
    response.headers.set("connection", "close");
    return response;
  } catch {
    // What was fetched has headers that nobody may change.
    const headers = new Headers(response.headers);
    headers.set("connection", "close");
    return new Response(body, { status, statusText, headers });
  }
}
