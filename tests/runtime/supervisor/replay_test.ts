import assert from "node:assert/strict";
import { encode, Keyring } from "../../../runtime/peer/mod.ts";
import { XBOX_PATH } from "../../../runtime/xbox/remote.ts";
import { startMachine } from "../../support/machine.ts";

const SITE = new URL("../../sites/delivery/site.ts", import.meta.url).href;
const SECRET = "a secret of the tests";

Deno.test("A request that one box has answered is refused by its siblings", async () => {
  await using machine = await startMachine({ site: SITE, boxes: 3 });
  const url = new URL(XBOX_PATH, machine.url);
  const keyring = new Keyring([SECRET], Date.now);
  const requests = Array.from({ length: 30 }, (_, index) => {
    const body = encode({ i: `test.${index}`, m: "hello" });
    const call = { method: "POST", path: XBOX_PATH, body, to: url.host, from: "test" };
    return { body, headers: keyring.sign({ ...call, timeoutMs: 5000 }).headers };
  });
  const ask = async ({ body, headers }: typeof requests[number]) => {
    // A connection of its own comes to whichever box.
    using client = Deno.createHttpClient({});
    const response = await fetch(url, { method: "POST", body, headers, client });
    await response.body?.cancel();
    return response.status;
  };
  for (const request of requests) assert.equal(await ask(request), 200);
  let accepted = 0;
  for (const request of requests) {
    const status = await ask(request);
    if (status === 200) accepted++;
    else assert.equal(status, 401);
  }
  // What a box has seen, its siblings hear a moment later: two in three come to one of those.
  assert.ok(accepted <= 3, `${accepted} were answered twice`);
});
