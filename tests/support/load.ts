/**
 * Steady load on a server, by connections of its own that hide nothing: no request is sent twice, and whatever is
 * no whole answer counts as failed.
 *
 * @module
 */

/** What came of the requests. */
export interface LoadResult {
  /** Requests that were answered with 200. */
  ok: number;
  /** What else came of how many: a status, or what happened to the connection. */
  failed: Record<string, number>;
  /** When each failure happened, on the clock of `performance.now()`, and whether its connection was new. */
  failures: { at: number; isFirst: boolean }[];
  /** Connections that were refused. */
  refused: number;
}

const DECODER = new TextDecoder();
const ENCODER = new TextEncoder();
/** A client that is refused tries again after so many milliseconds. */
const PAUSE_MS = 5;

/** How a server is loaded. */
export interface LoadOptions {
  /** How many connections ask at once. */
  connections: number;
  /** Ends the load. */
  signal: AbortSignal;
  /** What is posted; absent: requests are GET. */
  body?: string;
}

/** Asks for a path again and again on so many connections until the signal aborts. */
export async function load(
  url: string,
  { connections, signal, body }: LoadOptions,
): Promise<LoadResult> {
  const { hostname, port, pathname } = new URL(url);
  const result: LoadResult = { ok: 0, failed: {}, failures: [], refused: 0 };
  const fail = (what: string, isFirst: boolean) => {
    result.failed[what] = (result.failed[what] ?? 0) + 1;
    result.failures.push({ at: performance.now(), isFirst });
  };
  const target = `${pathname} HTTP/1.1\r\nhost: ${hostname}:${port}\r\n`;
  // The body comes on its own, as from most clients.
  const request = body === undefined
    ? [ENCODER.encode(`GET ${target}\r\n`)]
    : [`POST ${target}content-length: ${body.length}\r\n\r\n`, body].map((part) =>
      ENCODER.encode(part)
    );
  await Promise.all(Array.from({ length: connections }, async () => {
    while (!signal.aborted) {
      let client: Client;
      try {
        client = new Client(await Deno.connect({ hostname, port: Number(port) }));
      } catch {
        result.refused++;
        await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
        continue;
      }
      let isFirst = true;
      try {
        while (!signal.aborted) {
          const { status, isLast } = await client.ask(request);
          if (status === 200) result.ok++;
          else fail(String(status), isFirst);
          if (isLast) break;
          isFirst = false;
        }
      } catch (error) {
        fail((error as Error).message, isFirst);
      } finally {
        client.close();
      }
    }
  }));
  return result;
}

/** One connection. */
class Client {
  readonly #connection: Deno.Conn;
  #buffer = new Uint8Array(0);

  constructor(connection: Deno.Conn) {
    this.#connection = connection;
  }

  /** Sends a request and reads the whole answer. */
  async ask(request: readonly Uint8Array[]): Promise<{ status: number; isLast: boolean }> {
    for (const part of request) {
      for (let rest = part; rest.length > 0;) {
        rest = rest.subarray(await this.#connection.write(rest));
      }
    }
    const head = DECODER.decode(await this.#until("\r\n\r\n")).toLowerCase();
    const length = /\r\ncontent-length: *(\d+)/.exec(head);
    if (length !== null) await this.#take(Number(length[1]));
    else if (/\r\ntransfer-encoding: *chunked/.test(head)) await this.#chunks();
    return { status: Number(head.slice(9, 12)), isLast: /\r\nconnection: *close/.test(head) };
  }

  close(): void {
    this.#connection.close();
  }

  async #chunks(): Promise<void> {
    for (;;) {
      const size = parseInt(DECODER.decode(await this.#until("\r\n")), 16);
      await this.#take(size + 2);
      if (size === 0) return;
    }
  }

  async #until(mark: string): Promise<Uint8Array> {
    for (;;) {
      const at = DECODER.decode(this.#buffer).indexOf(mark);
      if (at >= 0) return await this.#take(at + mark.length);
      await this.#read();
    }
  }

  async #take(length: number): Promise<Uint8Array> {
    while (this.#buffer.length < length) await this.#read();
    const taken = this.#buffer.slice(0, length);
    this.#buffer = this.#buffer.slice(length);
    return taken;
  }

  async #read(): Promise<void> {
    const piece = new Uint8Array(16_384);
    const count = await this.#connection.read(piece);
    if (count === null) throw new Error("closed before the answer was whole");
    const both = new Uint8Array(this.#buffer.length + count);
    both.set(this.#buffer);
    both.set(piece.subarray(0, count), this.#buffer.length);
    this.#buffer = both;
  }
}
