import assert from "node:assert/strict";

const documents = [
  "pagelets",
  "xbox",
  "startup",
  "request_init",
  "threads/search_index",
  "loops/visited",
];

for (const name of documents) {
  Deno.test(`${name} loads in a worker without any permission`, async () => {
    const url = new URL(`../../handlers/${name}.ts`, import.meta.url).href;
    const source = `import ${JSON.stringify(url)}; postMessage("loaded")`;
    const worker = new Worker(`data:application/javascript,${encodeURIComponent(source)}`, {
      type: "module",
      deno: { permissions: "none" },
    });
    try {
      const { promise, resolve, reject } = Promise.withResolvers<unknown>();
      worker.onmessage = ({ data }) => resolve(data);
      worker.onerror = (event) => {
        event.preventDefault();
        reject(new Error(event.message));
      };
      assert.equal(await promise, "loaded");
    } finally {
      worker.terminate();
    }
  });
}
