import { createStoreClient } from "../../../runtime/store/client.ts";
import { openStore } from "../../../runtime/store/mod.ts";
import { storeSuite } from "./store_suite.ts";
import { primeThrough } from "./support.ts";

/** As a worker has it: over calls whose arguments and results are cloned. */
storeSuite("in a worker", async ({ now, ...options }) => {
  const opened = await openStore({ url: ":memory:", ...options }, { now });
  const { services } = opened.forWorker({});
  const client = createStoreClient(async (name, ...args) => {
    return structuredClone(await services[name]!(...structuredClone(args)));
  });
  return {
    store: Object.assign(client, { close: () => opened.close() }),
    prime: primeThrough(opened),
    [Symbol.asyncDispose]: () => opened.close(),
  };
}, { isWorker: true });
