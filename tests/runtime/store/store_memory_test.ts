import { openStore } from "../../../runtime/store/mod.ts";
import { storeSuite } from "./store_suite.ts";
import { primeThrough } from "./support.ts";

storeSuite("memory", async ({ now, ...options }) => {
  const store = await openStore({ url: ":memory:", ...options }, { now });
  return { store, prime: primeThrough(store), [Symbol.asyncDispose]: () => store.close() };
});
