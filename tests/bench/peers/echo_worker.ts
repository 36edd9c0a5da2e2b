/**
 * The plainest worker: what comes in goes out.
 *
 * @module
 */

const scope = globalThis as unknown as Worker;
scope.onmessage = ({ data }) => scope.postMessage(data);
scope.postMessage("ready");
