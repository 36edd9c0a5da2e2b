import assert from "node:assert/strict";
import type { Pool } from "../../../runtime/pool/pool.ts";
import type { Job } from "../../../runtime/pool/task.ts";
import { Passwords } from "../../../runtime/rpc/passwords.ts";
import { RpcServer, type RpcServerOptions } from "../../../runtime/rpc/server.ts";
import { recordLog } from "../http/support.ts";

/** A server whose pool answers with what it was given. */
function serverOf(options: Partial<RpcServerOptions> = {}) {
  const log = recordLog();
  const routes: (string | undefined)[] = [];
  const pool = {
    submit: (job: Job<unknown>) => {
      routes.push(job.route);
      const { name, args } = job.payload() as { name: string; args: unknown };
      const text = JSON.stringify({ name, args });
      const reply = name === "none" ? { refused: "missing", why: "" } : { status: 200, text };
      return { answer: Promise.resolve(job.accept(reply, undefined!).value), cancel: () => {} };
    },
  };
  const server = new RpcServer(pool as unknown as Pool, {
    passwords: [],
    maxBodyBytes: 1000,
    maxResultBytes: 1000,
    deadlineMs: 0,
    log,
    ...options,
  });
  const ask = async (path: string, init?: RequestInit) => {
    const response = await server.fetch(new Request(`http://box/_tandem/rpc/${path}`, init));
    return [response.status, await response.text()];
  };
  return { ask, log, routes };
}

Deno.test("RpcServer knows a peer by its credential, which covers the body", async () => {
  const seen: string[] = [];
  const { ask, log } = serverOf({
    isPeer: async (request, read) => {
      await undefined;
      const isGood = request.headers.get("authorization") === "Tandem good";
      seen.push(isGood ? new TextDecoder().decode(await read()) : "unread");
      return isGood;
    },
  });
  const as = (authorization: string, body?: string) => ({
    method: "POST",
    body,
    headers: { authorization },
  });
  assert.deepEqual(log.lines, []);
  assert.deepEqual(await ask("f", as("Tandem good", "text")), [
    200,
    '{"name":"f","args":{"list":["text"]}}',
  ]);
  assert.deepEqual(await ask("f?p=1", as("Tandem good")), [
    200,
    '{"name":"f","args":{"each":["1"]}}',
  ]);
  assert.deepEqual(await ask("f", as("Tandem bad", "text")), [401, "Unauthorized"]);
  assert.deepEqual(seen, ["text", "", "unread"]);
  // Without a credential nobody is asked, and a wrong password is not looked past.
  assert.deepEqual(await ask("f", { method: "POST", body: "text" }), [401, "Unauthorized"]);
  assert.deepEqual(await ask("f?auth=wrong", as("Tandem good", "text")), [401, "Unauthorized"]);
  assert.deepEqual(await ask("f", as("Bearer good", "text")), [401, "Unauthorized"]);
  assert.equal(seen.length, 3);
});

Deno.test("RpcServer reads nothing of a caller who is not known, save a form", async () => {
  const { ask } = serverOf({ passwords: ["word"] });
  const damaged = { "content-type": "application/x-tandem" };
  assert.deepEqual(await ask("f?auth=wrong", { method: "POST", body: "x", headers: damaged }), [
    401,
    "Unauthorized",
  ]);
  const [status] = await ask("f?auth=word", { method: "POST", body: "x", headers: damaged });
  assert.equal(status, 400);
  let pulled = 0;
  const upload = (headers = {}): RequestInit => ({
    method: "POST",
    headers,
    body: new ReadableStream({
      pull(controller) {
        pulled++;
        controller.enqueue(new Uint8Array(10));
      },
    }, { highWaterMark: 0 }),
  });
  assert.deepEqual(await ask("f?auth=wrong", upload()), [401, "Unauthorized"]);
  const { ask: askPeer } = serverOf({ isPeer: () => false });
  const bad = upload({ authorization: "Tandem bad" });
  assert.deepEqual(await askPeer("f", bad), [401, "Unauthorized"]);
  assert.equal(pulled, 0);
});

Deno.test("RpcServer spends little time on the forms of callers who are not known", async () => {
  const limits = { maxBodyBytes: 16 << 20, maxResultBytes: 16 << 20 };
  const { ask } = serverOf({ passwords: ["word"], ...limits });
  const post = (contentType: string, body: string) => ({
    method: "POST",
    body,
    headers: { "content-type": contentType },
  });
  const fields = (count: number) =>
    post("application/x-www-form-urlencoded", `auth=word${"&p=1".repeat(count - 1)}`);
  assert.equal((await ask("f", fields(10_000)))[0], 200);
  assert.deepEqual(await ask("f", fields(10_001)), [401, "Unauthorized"]);
  const known = await ask("f?auth=word", fields(10_001));
  assert.deepEqual(known, [
    400,
    'Bad Request: Cannot call "f": a form may have at most 10000 fields; text that is none needs another content type',
  ]);
  const part = (name: string, text: string) =>
    `--x\r\ncontent-disposition: form-data; name=${name}\r\n\r\n${text}\r\n`;
  const parts = (length: number) =>
    post(
      "multipart/form-data; boundary=x",
      `${part("auth", "word")}${part("p", `"${"x".repeat(length)}"`)}--x--\r\n`,
    );
  assert.equal((await ask("f", parts(1000)))[0], 200);
  const [status, text] = await ask("f", parts(1 << 18));
  assert.equal(status, 413);
  assert.match(String(text), /262144 bytes unless query or header hold the password/);
  assert.equal((await ask("f?auth=word", parts(1 << 18)))[0], 200);
});

Deno.test("RpcServer answers 401 to peers where boxes have no secret", async () => {
  const { ask } = serverOf({ passwords: ["word"] });
  assert.deepEqual(await ask("f", { headers: { authorization: "Tandem good" } }), [
    401,
    "Unauthorized",
  ]);
  assert.equal((await ask("f?auth=word", { headers: { authorization: "Tandem x" } }))[0], 200);
});

Deno.test("RpcServer gives only functions that exist a route of their own", async () => {
  const { ask, routes } = serverOf({ passwords: ["word"] });
  for (const name of ["none", "none", "f", "f"]) await ask(`${name}?auth=word`);
  assert.deepEqual(routes, [undefined, undefined, undefined, "f"]);
});

Deno.test("RpcServer tells errors in the wire format only to those who asked for it", async () => {
  const { ask } = serverOf({ passwords: ["word"] });
  const wire = async (query: string) =>
    /RuntimeError|TypeError/.test(String((await ask(`none?auth=word&${query}`))[1]));
  for (const query of ["output=3", "return=serialize"]) assert.ok(await wire(query), query);
  for (const query of ["", "output=1&return=serialize", "output=2&return=serialize"]) {
    assert.deepEqual(await ask(`none?auth=word&${query}`), [404, "Not Found"], query);
  }
});

Deno.test("Passwords.has() knows whole words only", () => {
  const passwords = new Passwords(["one", "zwei €"]);
  assert.equal(passwords.some, true);
  for (const word of ["one", "zwei €"]) assert.equal(passwords.has(word), true);
  for (const word of ["", "o", "one ", "One", "two", "zwei"]) {
    assert.equal(passwords.has(word), false);
  }
  assert.equal(new Passwords([]).some, false);
  assert.equal(new Passwords([]).has(""), false);
});
