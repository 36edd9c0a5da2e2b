/**
 * An HTTP client that costs as little as can be, in a thread of its own: keep-alive connections on
 * which one request follows the other. `fetch` would weigh more than what is measured.
 *
 * @module
 */

/** What is to be requested. */
export interface Order {
  /** Where the server listens. */
  port: number;
  /** The path. */
  path: string;
  /** Connections, each with one request in flight. */
  connections: number;
  /** Requests on each of them. */
  requests: number;
}

const scope = globalThis as unknown as Worker;
const pools = new Map<number, Deno.TcpConn[]>();
const HEAD_END = new TextEncoder().encode("\r\n\r\n");
const decoder = new TextDecoder();

scope.onmessage = async ({ data }: MessageEvent<Order>) => {
  scope.postMessage(await run(data));
};
scope.postMessage("ready");

/** Resolves to the bytes of the last body. */
async function run({ port, path, connections, requests }: Order): Promise<number> {
  const pool = pools.get(port) ?? [];
  pools.set(port, pool);
  while (pool.length < connections) {
    const connection = await Deno.connect({ hostname: "127.0.0.1", port });
    connection.setNoDelay(true);
    pool.push(connection);
  }
  const request = new TextEncoder().encode(`GET ${path} HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n`);
  const sizes = pool.slice(0, connections).map(async (connection) => {
    let size = 0;
    const buffer = new Uint8Array(16_384);
    for (let i = 0; i < requests; i++) {
      await connection.write(request);
      size = await readResponse(connection, buffer);
    }
    return size;
  });
  return (await Promise.all(sizes)).at(-1)!;
}

/** Reads a response that is shorter than `buffer` and either chunked or of a known length. */
async function readResponse(connection: Deno.TcpConn, buffer: Uint8Array): Promise<number> {
  let filled = 0;
  let head = -1;
  let length = -1;
  for (;;) {
    const read = await connection.read(buffer.subarray(filled));
    if (read === null) throw new Error("The server closed the connection");
    filled += read;
    if (head < 0) {
      head = indexOf(buffer.subarray(0, filled), HEAD_END);
      if (head < 0) continue;
      head += HEAD_END.length;
      const fields = decoder.decode(buffer.subarray(0, head)).toLowerCase();
      if (!fields.startsWith("http/1.1 200")) throw new Error(fields);
      length = Number(/content-length: (\d+)/.exec(fields)?.[1] ?? -1);
    }
    if (length >= 0 ? filled >= head + length : endsChunks(buffer, filled)) return filled - head;
  }
}

/** Whether the last chunk, `0\r\n\r\n`, has come. */
function endsChunks(buffer: Uint8Array, filled: number): boolean {
  return buffer[filled - 5] === 48 && buffer[filled - 6] === 10 &&
    buffer[filled - 1] === 10 && buffer[filled - 3] === 10;
}

function indexOf(bytes: Uint8Array, wanted: Uint8Array): number {
  for (let at = 0; at + wanted.length <= bytes.length; at++) {
    if (wanted.every((byte, index) => bytes[at + index] === byte)) return at;
  }
  return -1;
}
