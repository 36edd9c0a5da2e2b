/**
 * The store: what other rooms use of it. Workers load `client.ts` alone.
 *
 * @module
 */

export { createStoreClient, type StoreCall } from "./client.ts";
export { describeKey, toKvKey } from "./keys.ts";
export { DEFAULT_MAX_VALUE_BYTES, KvStore, openStore, type StoreOptions } from "./kv.ts";
export { type PrimeEntry, primeStore } from "./prime.ts";
export { scopeStore } from "./scope.ts";
export { type StoreService, storeServices } from "./services.ts";
