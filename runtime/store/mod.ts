/**
 * The store: what other rooms use of it. Workers load `client.ts` alone.
 *
 * @module
 */

export { describeKey, toKvKey } from "./keys.ts";
export { primeStore } from "./prime.ts";
export {
  engineOf,
  OpenStore,
  openStore,
  STORE_DEFAULTS,
  type StoreOptions,
  type WorkerStore,
} from "./store.ts";
