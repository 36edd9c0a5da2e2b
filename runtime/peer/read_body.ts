/**
 * Reads a body that may be larger than is good, or never end.
 *
 * @module
 */

/**
 * Reads the bytes of a request or response, and gives up as soon as it is known that there are too many.
 *
 * @param most Bytes that are allowed.
 * @returns The bytes, or nothing if there are more; the rest is not read then.
 * @throws {TypeError} If the connection ends before the body does.
 */
export async function readBody(
  source: Request | Response,
  most: number,
): Promise<Uint8Array | undefined> {
  const { headers } = source;
  const length = headers.get("content-length");
  // Unpacked or in chunks, it is as long as it likes, whatever else is said.
  const isTold = length !== null && !headers.has("content-encoding") &&
    !headers.has("transfer-encoding");
  // HTTP itself sees to it that there is no more. To ask for the body as a stream would cost more than to read it.
  if (isTold && Number(length) <= most) return await source.bytes();
  const { body } = source;
  if (body === null) return new Uint8Array();
  if (!isTold) return await readCounted(body, most);
  await drop(body);
  return undefined;
}

/** Lets a body go that nobody reads. */
export async function drop(body: ReadableStream<Uint8Array> | null): Promise<void> {
  try {
    await body?.cancel();
  } catch {
    // It has failed, so there is nothing left to let go.
  }
}

async function readCounted(
  body: ReadableStream<Uint8Array>,
  most: number,
): Promise<Uint8Array | undefined> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  // Leaving the loop cancels the stream.
  for await (const chunk of body) {
    length += chunk.length;
    if (length > most) return undefined;
    chunks.push(chunk);
  }
  if (chunks.length === 1) return chunks[0]!;
  const bytes = new Uint8Array(length);
  let at = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, at);
    at += chunk.length;
  }
  return bytes;
}
