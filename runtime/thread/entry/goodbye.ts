/**
 * Lets a worker that ends itself say so first, since nothing outside tells.
 *
 * It takes effect when it is loaded, which is before the site's documents are: a document may leave
 * while it loads, when nothing serves calls yet.
 *
 * @module
 */

const scope = globalThis as unknown as Worker & { close(): void };
const { exit } = Deno;
const close = scope.close.bind(scope);
const post = scope.postMessage.bind(scope);

scope.close = () => {
  sayGoodbye(0);
  close();
};
Object.defineProperty(Deno, "exit", {
  configurable: true,
  value: (code = 0) => {
    sayGoodbye(code);
    return exit(code);
  },
});

/** Calls the entry's service `goodbye` without Comlink; there is no time for an answer. */
function sayGoodbye(code: unknown): void {
  const argumentList = [{ type: "RAW", value: Number(code) || 0 }];
  post({ id: crypto.randomUUID(), type: "APPLY", path: ["goodbye"], argumentList });
}
