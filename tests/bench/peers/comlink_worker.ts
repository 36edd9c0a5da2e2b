/**
 * A worker that Comlink serves, without guard or pool.
 *
 * @module
 */

import { expose } from "../../../runtime/deps/comlink.ts";

const scope = globalThis as unknown as Worker;
expose({ echo: (value: unknown) => value }, scope);
scope.postMessage("ready");
