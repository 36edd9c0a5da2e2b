import assert from "node:assert/strict";
import { RemoteMessages } from "../../../runtime/xbox/remote.ts";

Deno.test.each([3, -1, 0.5, "0", "map", "length", null, {}])(
  "RemoteMessages.receive() refuses the priority %j and hands nothing on",
  async (p) => {
    const messages = new RemoteMessages({
      maxMessageBytes: 1024,
      encode: () => assert.fail(),
      call: () => assert.fail(),
      stream: () => assert.fail(),
    });
    const { signal } = new AbortController();
    const call = { value: { i: "a.1", m: 1, p }, from: "b:1", timeoutMs: undefined, signal };
    const answer = await messages.receive(() => assert.fail("it was handed on"), call);
    assert.match(JSON.stringify(answer), /BAD_MESSAGE.*its priority is none/);
  },
);
