import assert from "node:assert/strict";
import { createSite, serve, type XboxResult } from "../../../mod.ts";
import { fixture, open, recordLog } from "../http/support.ts";

const SECRETS = ["a secret of the tests"];

/** What a task came to, in short. */
function told({ code, error, side, mayHaveRun }: XboxResult): unknown[] {
  return [code, (error as { code?: unknown } | undefined)?.code, side, mayHaveRun];
}

/** A server that does as it likes, and where it is. */
function stranger(answer: (request: Request) => Response | Promise<Response>) {
  const abort = new AbortController();
  const server = Deno.serve({
    hostname: "127.0.0.1",
    port: 0,
    signal: abort.signal,
    onListen() {},
  }, answer);
  return {
    peer: `127.0.0.1:${server.addr.port}`,
    [Symbol.asyncDispose]: async () => {
      abort.abort();
      await server.finished;
    },
  };
}

/** A box with another one's document and other secrets. */
async function boxWith(secrets: readonly string[]) {
  const xbox = fixture("messages/xbox.ts");
  const site = createSite({ store: { url: ":memory:" }, peers: { secrets }, xbox });
  return await serve(site, { port: 0, log: recordLog() });
}

Deno.test("Xbox says of a box elsewhere who failed, how, and whether the handler may have run", async () => {
  const closed = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const absent = `127.0.0.1:${closed.addr.port}`;
  closed.close();
  await using silent = stranger((request) =>
    new Promise((resolve) =>
      request.signal.addEventListener("abort", () => resolve(new Response()))
    )
  );
  await using page = stranger(() => new Response("<p>hello"));
  await using elsewhere = stranger(() =>
    new Response(null, { status: 302, headers: { location: "http://other.example/" } })
  );
  await using other = await boxWith(["another secret altogether"]);
  await using unsecured = await boxWith([]);
  const peers = { secrets: SECRETS, allow: ["127.0.0.1:*"] };
  await using site = await open({ peers, xbox: fixture("messages/xbox.ts") });
  await site.run(async ({ xbox }) => {
    const ask = async (to: string) => told(await xbox.start("x", { to, timeoutMs: 5000 }).result());
    assert.deepEqual(await ask(absent), [503, "UNREACHABLE_PEER", "network", false]);
    assert.deepEqual(await ask(page.peer), [502, "PEER_BAD_ANSWER", "receiver", true]);
    assert.deepEqual(await ask(elsewhere.peer), [502, "PEER_BAD_ANSWER", "receiver", true]);
    assert.deepEqual(await ask(new URL(other.url).host), [
      ...[401, "PEER_UNAUTHORISED", "receiver", false],
    ]);
    const [code] = await ask(new URL(unsecured.url).host);
    assert.equal(code, 502);
    const slow = await xbox.start("x", { to: silent.peer, timeoutMs: 100 }).result();
    assert.deepEqual(told(slow), [504, "DEADLINE_EXCEEDED", "network", true]);
    await assert.rejects(xbox.send("x", { to: absent }), { code: "UNREACHABLE_PEER" });
    await assert.rejects(xbox.post("x", { to: absent }), { code: "UNREACHABLE_PEER" });
    const denied = { to: "10.0.0.1:80", durable: true };
    await assert.rejects(xbox.post("x", denied), { code: "PEER_DENIED" });
    // And this box is as it was.
    assert.equal(await xbox.send("x"), 'got "x"');
    assert.equal(await xbox.send("x", { to: new URL(site.box.url).host }), 'got "x"');
  });
});

Deno.test("A box elsewhere accepts every secret that it knows, so that they can be changed", async () => {
  const [before, after] = ["the secret before", "the secret afterwards"];
  await using there = await boxWith([before, after]);
  const to = new URL(there.url).host;
  for (const secrets of [[before], [after, before], [after]]) {
    await using site = await open({ peers: { secrets, allow: [to] } });
    await site.run(async ({ xbox }) => {
      assert.equal(await xbox.send("x", { to }), 'got "x"');
      // Here nobody handles messages.
      assert.throws(() => xbox.start("x"), { code: "DISABLED" });
    });
  }
});
