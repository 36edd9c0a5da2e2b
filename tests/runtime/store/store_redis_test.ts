import { openStore } from "../../../runtime/store/mod.ts";
import { lacksRedis, startRedis } from "../../support/redis.ts";
import { storeSuite } from "./store_suite.ts";
import { primeThrough } from "./support.ts";

if (!lacksRedis()) {
  storeSuite("Redis", async ({ now, ...options }) => {
    const stack = new AsyncDisposableStack();
    const redis = stack.use(await startRedis());
    async function open() {
      return stack.use(await openStore({ url: redis.url(), ...options }, { now }));
    }
    const store = await open();
    return {
      store,
      prime: primeThrough(store),
      another: open,
      [Symbol.asyncDispose]: () => stack.disposeAsync(),
    };
  });
}
