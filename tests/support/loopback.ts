/**
 * Loopback: free ports, whether somebody listens, one raw request, and the repository over HTTP.
 *
 * @module
 */

import { REPOSITORY } from "./program.ts";

const HOST = "127.0.0.1";

/** A port that nobody listens on, below those that the system hands out by itself. */
export function freePort(): number {
  while (true) {
    const port = 12_000 + Math.floor(Math.random() * 20_000);
    try {
      Deno.listen({ hostname: HOST, port }).close();
      return port;
    } catch (error) {
      if (!(error instanceof Deno.errors.AddrInUse)) throw error;
    }
  }
}

/** Whether a connection to the port is taken. */
export async function isListening(port: number): Promise<boolean> {
  try {
    (await Deno.connect({ hostname: HOST, port })).close();
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.ConnectionRefused) return false;
    const { ConnectionReset, NotConnected } = Deno.errors;
    if (error instanceof ConnectionReset || error instanceof NotConnected) return true; // taken, and dropped
    throw error;
  }
}

/** Resolves when connections to the port are refused. */
export async function untilRefused(port: number): Promise<void> {
  while (await isListening(port));
}

/** One request whose answer has begun and has not ended. */
export class HeldRequest implements Disposable {
  readonly #connection: Deno.TcpConn;
  readonly #decoder = new TextDecoder();
  /** What has come of the answer, head included. */
  text = "";

  private constructor(connection: Deno.TcpConn) {
    this.#connection = connection;
  }

  /** Sends the request and waits until the answer shows `sign`. */
  static async open(url: string, sign: string): Promise<HeldRequest> {
    const { hostname, port, pathname, host } = new URL(url);
    const request = new HeldRequest(await Deno.connect({ hostname, port: Number(port) }));
    await request.#write(
      `GET ${pathname} HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`,
    );
    while (!request.text.includes(sign)) {
      if (!await request.#read()) throw new Error(`No ${sign} in the answer: ${request.text}`);
    }
    return request;
  }

  /** Reads the answer to its end. */
  async finish(): Promise<string> {
    while (await this.#read());
    return this.text;
  }

  /** Reads until the server has ended the connection, in whatever way. */
  async untilCut(): Promise<void> {
    try {
      while (await this.#read());
    } catch (error) {
      if (!(error instanceof Deno.errors.ConnectionReset)) throw error;
    }
  }

  [Symbol.dispose](): void {
    this.#connection.close();
  }

  async #read(): Promise<boolean> {
    const bytes = new Uint8Array(4096);
    const count = await this.#connection.read(bytes);
    if (count === null) return false;
    this.text += this.#decoder.decode(bytes.subarray(0, count), { stream: true });
    return true;
  }

  async #write(text: string): Promise<void> {
    const bytes = new TextEncoder().encode(text);
    for (let sent = 0; sent < bytes.length;) {
      sent += await this.#connection.write(bytes.subarray(sent));
    }
  }
}

/** Serves files of a folder, the repository's source unless told otherwise. */
export function serveFiles(root = REPOSITORY): Deno.HttpServer<Deno.NetAddr> {
  return Deno.serve({ hostname: HOST, port: 0, onListen: () => {} }, async (request) => {
    const { pathname } = new URL(request.url);
    if (!/^\/(mod\.ts|(runtime|handlers)\/[\w./]+)$/.test(pathname)) return notFound();
    try {
      const type = pathname.endsWith(".js") ? "text/javascript" : "application/typescript";
      const file = await Deno.readFile(`${root}${pathname.slice(1)}`);
      return new Response(file, { headers: { "content-type": type } });
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) return notFound();
      throw error;
    }
  });
}

function notFound(): Response {
  return new Response("Not Found", { status: 404 });
}

/** Reads an answer of JSON. */
export async function fetchJson(url: string): Promise<Record<string, unknown>> {
  return await (await fetch(url)).json();
}
