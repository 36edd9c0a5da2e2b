import assert from "node:assert/strict";
import { RuntimePaths } from "../../../runtime/http/runtime_paths.ts";

const RPC = () => Promise.resolve(new Response("rpc"));
const XBOX = () => Promise.resolve(new Response("xbox"));

Deno.test("RuntimePaths.find() finds who answers a path of the runtime", () => {
  const paths = new RuntimePaths({
    "/_tandem/rpc/": RPC,
    "/_tandem/xbox": XBOX,
    "/_tandem/x": undefined,
  });
  const find = (url: string) => paths.find(new Request(url));
  assert.equal(find("http://host/_tandem/rpc/add?p=1"), RPC);
  assert.equal(find("https://host:8000/_tandem/rpc/"), RPC);
  assert.equal(find("http://[::1]:8000/_tandem/xbox"), XBOX);
  assert.equal(find("http://host/_tandem/xbox?q"), XBOX);
  for (
    const path of [
      "",
      "_tandem",
      "_tandem/",
      "_tandem/rpc",
      "_tandem/x",
      "_tandem/xboxes",
      "_tandem/xbox/",
      "a/_tandem/rpc/add",
      "?/_tandem/rpc/add",
    ]
  ) {
    assert.equal(find(`http://host/${path}`), undefined, path);
  }
  assert.equal(new RuntimePaths({}).find(new Request("http://host/_tandem/rpc/add")), undefined);
});
