/**
 * A document that answers for its worker.
 *
 * @module
 */

/** What a worker has where the types have a window. */
const scope = self as unknown as Worker;
const post = scope.postMessage.bind(scope);
let task: unknown[] = [];

// The worker's own listener keeps tasks to itself, and came first.
Event.prototype.stopImmediatePropagation = () => {};
addEventListener("message", (event) => {
  const { data } = event as MessageEvent;
  if (data?.type === "TASKS") task = data.list.at(-1);
});

const GARBAGE: Readonly<Record<string, () => unknown>> = {
  nothing: () => undefined,
  text: () => "text",
  list: () => [200, "text"],
  empty: () => ({}),
  status: () => ({ status: 99, text: "x" }),
  "status text": () => ({ status: "200", text: "x" }),
  upgrade: () => ({ status: 101, text: "x" }),
  "no text": () => ({ status: 200, text: 1 }),
  "long text": () => ({ status: 200, text: "x".repeat(2 ** 16) }),
  refused: () => ({ refused: "yes", why: "x" }),
  thrown: () => ({ thrown: { name: 1 } }),
  shared: () => ({ status: 200, value: new Uint8Array(new SharedArrayBuffer(4)) }),
  bytes: () => new Uint8Array(8),
};

/** The names of what {@linkcode garbage} can answer. */
export function names(): string[] {
  return Object.keys(GARBAGE);
}

export function garbage(name: string): Promise<never> {
  post({ type: "ANSWERS", list: [[task[0], 0, GARBAGE[name]!(), 1]] });
  return new Promise(() => {});
}

export function fine(): string {
  return "fine";
}
