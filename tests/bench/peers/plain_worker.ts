const scope = globalThis as unknown as Worker;
scope.onmessage = ({ data }) => scope.postMessage(data);
