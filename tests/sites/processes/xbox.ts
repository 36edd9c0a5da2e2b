/**
 * Answers with values of every kind, those among them that cannot leave a process.
 *
 * @module
 */

/** The values, by name. */
export const VALUES: Record<string, () => unknown> = {
  "a Blob": () => ({ held: new Blob(["x"]) }),
  "a File": () => new File(["x"], "name"),
  "shared memory": () => [new SharedArrayBuffer(4)],
  "a view of shared memory": () => new Uint8Array(new SharedArrayBuffer(4)),
  "a DOMException": () => ({ held: new DOMException("m", "AbortError") }),
  "a WebAssembly.Module": () => new WebAssembly.Module(Uint8Array.of(0, 97, 115, 109, 1, 0, 0, 0)),
  "a URL": () => ({ held: new URL("http://localhost/") }),
  "a stream": () => ({ held: new ReadableStream() }),
  "a port": () => new MessageChannel().port1,
};

export default function processMessage(message: unknown): unknown {
  return VALUES[message as string]?.() ?? "carried";
}
