import assert from "node:assert/strict";
import { transferHandlers } from "../../../runtime/deps/comlink.ts";
import { installErrorTransfer } from "../../../runtime/thread/transfer.ts";

Deno.test("installErrorTransfer() changes nothing the second time, however many threads start", () => {
  installErrorTransfer();
  const handler = transferHandlers.get("throw");
  installErrorTransfer();
  assert.equal(transferHandlers.get("throw"), handler);
});
