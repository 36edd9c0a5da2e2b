import { openStore } from "../../../runtime/store/mod.ts";
import { storeSuite } from "./store_suite.ts";
import { primeThrough, tempDir } from "./support.ts";

storeSuite("file", async ({ now, ...options }) => {
  const stack = new AsyncDisposableStack();
  const { path } = stack.use(await tempDir());
  async function open() {
    return stack.use(await openStore({ url: `${path}/a.db`, ...options }, { now }));
  }
  const store = await open();
  return {
    store,
    prime: primeThrough(store),
    another: open,
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
});
