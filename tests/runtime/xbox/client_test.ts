import assert from "node:assert/strict";
import { createXboxClient } from "../../../runtime/xbox/client.ts";
import type { Call } from "../../../runtime/thread/entry/main.ts";

Deno.test("Xbox.post() in a worker ends with its signal although nobody has accepted the message", async () => {
  const started = Promise.withResolvers<unknown>();
  const calls: string[] = [];
  const call = ((name: string) => {
    calls.push(name);
    if (name === "xboxStart") return started.promise;
    return name === "xboxAnswer" ? new Promise(() => {}) : Promise.resolve();
  }) as Call;
  const scope = { enabled: true, taskId: 1, requestId: "r" };
  const xbox = createXboxClient(call, scope as Parameters<typeof createXboxClient>[1]);
  const abort = new AbortController();
  const posted = xbox.post("hello", { to: "box-2", signal: abort.signal });
  abort.abort(new Error("enough"));
  await assert.rejects(posted, { code: "CANCELLED", message: /enough/ });
  started.resolve(7);
  await new Promise((resolve) => setTimeout(resolve));
  assert.ok(calls.includes("xboxCancel"), "it is cancelled as soon as it can be named");
});
