import assert from "node:assert/strict";
import { rpc, type RpcClientOptions, RuntimeError } from "../../../mod.ts";
import { encode } from "../../../runtime/peer/wire.ts";
import type * as functions from "../../sites/rpc/functions.ts";
import { until } from "../http/support.ts";
import { Stranger, write } from "../peer/support.ts";
import { freePort } from "../../support/loopback.ts";
import { open, PASSWORD } from "./support.ts";

type Functions = typeof functions;

const connect = (url: string, options: RpcClientOptions = {}) =>
  rpc<Functions>(url, { password: PASSWORD, ...options });

function hasCode(code: string, message = /./) {
  return (error: unknown) => {
    assert.ok(error instanceof RuntimeError, Deno.inspect(error));
    assert.equal(error.code, code, error.message);
    assert.match(error.message, message);
    return true;
  };
}

/** Something on loopback that answers as it likes. */
function fake(answer: (request: Request) => Response | Promise<Response>) {
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, answer);
  return {
    url: `http://127.0.0.1:${server.addr.port}/`,
    [Symbol.asyncDispose]: () => server.shutdown(),
  };
}

for (const isolation of ["thread", "process"] as const) {
  Deno.test(`rpc() carries what structured clone can carry, both ways, from a ${isolation}`, async () => {
    await using site = await open({ isolation });
    const client = connect(site.box.url);
    const cyclic: Record<string, unknown> = { name: "cyclic" };
    cyclic.self = cyclic;
    for (
      const value of [
        undefined,
        null,
        -0,
        NaN,
        "text €😀",
        12345678901234567890n,
        new Date(0),
        /a+/gi,
        new Map<unknown, unknown>([["a", new Set([1, 2n])]]),
        Uint8Array.of(0, 255),
        [1, , 3],
        { undef: undefined, deep: { er: [new Date(1)] } },
        cyclic,
      ]
    ) {
      assert.deepEqual(await client.same(value), value);
    }
    assert.equal(await client.add(40, 2), 42);
    assert.deepEqual(await client.echo(), { args: [], count: 0 });
    assert.deepEqual(await client.echo(undefined, false), { args: [undefined, false], count: 2 });
    assert.equal(await client.nothing(), undefined);
    assert.equal(await client.answers(404), "status 404");
    assert.equal(await client.answers(204), undefined);
  });
}

Deno.test("rpc() throws what the function threw, with class, code and cause, without its stack", async () => {
  await using site = await open();
  const client = connect(site.box.url);
  await assert.rejects(client.fails(), (error: Error) => {
    assert.ok(error instanceof RangeError);
    assert.equal(error.message, "out of range");
    assert.ok(error.cause instanceof TypeError);
    assert.equal((error.cause as TypeError & { code: string }).code, "E_CAUSE");
    assert.doesNotMatch(`${error.stack}${error.cause.stack}`, /sites\/rpc/);
    return true;
  });
  await assert.rejects(client.fails("busy"), hasCode("QUEUE_FULL"));
  await assert.rejects(client.fails("text"), { name: "Error", message: "just text" });
  await assert.rejects(client.makes("function"), { name: "DataCloneError" });
  await assert.rejects(client.makes("url"), { name: "DataCloneError", message: /URL/ });
  await assert.rejects(client.same(() => {}), { name: "DataCloneError" });
  await assert.rejects(client.exits(), hasCode("THREAD_EXITED"));
  const others = client as unknown as Record<string, () => Promise<unknown>>;
  for (const name of ["missing", "secret", "hasOwnProperty"]) {
    await assert.rejects(others[name]!(), {
      name: "TypeError",
      message: `Cannot call "${name}": there is no such function`,
    });
  }
  await assert.rejects(others["a.b"]!(), hasCode("PEER_BAD_ANSWER", /status 404/));
  assert.equal(await client.add(1, 2), 3);
});

Deno.test("rpc() makes no promise of itself, and no function of what others look for", async () => {
  await using site = await open();
  const client = connect(site.box.url);
  assert.equal(await client, client);
  assert.equal(JSON.stringify(client), "{}");
  assert.match(Deno.inspect(client), /Object/);
  assert.throws(() => String(client), TypeError);
  assert.equal(client.add, client.add);
  const { add } = client;
  assert.equal(await add(1, 2), 3);
  assert.throws(() => Object.assign(client, { add: 1 }), TypeError);
  assert.equal(Reflect.deleteProperty(client, "add"), false);
});

Deno.test("rpc() ends in time, and so does the function", async () => {
  await using site = await open();
  const client = connect(site.box.url, { timeoutMs: 100 });
  await assert.rejects(client.gate("a"), hasCode("DEADLINE_EXCEEDED"));
  await site.logged("a aborted");
  await site.quiet();
  const abort = new AbortController();
  const signalled = connect(site.box.url, { signal: abort.signal });
  const call = signalled.gate("b");
  await site.logged("b entered");
  abort.abort(new RangeError("enough"));
  await assert.rejects(call, { name: "RangeError", message: "enough" });
  await site.logged("b aborted");
  await assert.rejects(signalled.add(1, 2), { name: "RangeError", message: "enough" });
});

Deno.test("rpc() says how far a call has come", async () => {
  await using site = await open({ workers: 1, spares: 1, queueLimit: 0 });
  const client = connect(site.box.url);
  const running = client.gate("a");
  await site.logged("a entered");
  await assert.rejects(client.add(1, 2), hasCode("QUEUE_FULL"));
  await site.run(({ store }) => store.set(["gate", "a"], true));
  assert.equal(await running, "a");
  await assert.rejects(
    rpc<Functions>(site.box.url, { password: "wrong" }).add(1, 2),
    hasCode("PEER_UNAUTHORISED", /password/),
  );
  await assert.rejects(rpc<Functions>(site.box.url).add(1, 2), hasCode("PEER_UNAUTHORISED"));
  const nowhere = connect(`http://127.0.0.1:${freePort()}`);
  await assert.rejects(nowhere.add(1, 2), hasCode("UNREACHABLE_PEER", /no connection/));
  const blocked = connect("http://127.0.0.1:9");
  await assert.rejects(blocked.add(1, 2), hasCode("UNREACHABLE_PEER"));
  await using elsewhere = fake(() => new Response("no box", { status: 404 }));
  await assert.rejects(
    connect(elsewhere.url).add(1, 2),
    hasCode("PEER_BAD_ANSWER", /status 404: no box/),
  );
});

Deno.test("rpc() sends the time limit, its headers and where the box stands", async () => {
  const seen: [url: string, timeout: string | null, own: string | null][] = [];
  await using box = fake(({ url, headers }) => {
    seen.push([url, headers.get("x-tandem-timeout"), headers.get("x-own")]);
    return new Response(encode("done") as BodyInit, {
      headers: { "content-type": "application/x-tandem" },
    });
  });
  const client = connect(`${box.url}behind/`, { timeoutMs: 1234, headers: { "x-own": "1" } });
  assert.equal(await client.text(1), "done");
  assert.deepEqual(seen, [[`${box.url}behind/_tandem/rpc/text?output=3`, "1234", "1"]]);
  const own = connect(box.url, {
    fetch: () => Promise.resolve(new Response(null, { status: 204 })),
  });
  assert.equal(await own.text(1), undefined);
});

Deno.test("rpc() believes no answer that a box would not give", async () => {
  const wire = (body: BodyInit, type = "application/x-tandem", status = 200) =>
    new Response(body, { status, headers: { "content-type": type } });
  const endless = (type: string) =>
    wire(
      new ReadableStream({
        pull: (controller) => controller.enqueue(new Uint8Array(65_536)),
      }),
      type,
    );
  const answers: [name: string, answer: () => Response, code: string][] = [
    ["text", () => new Response("3"), "PEER_BAD_ANSWER"],
    ["JSON", () => Response.json(3), "PEER_BAD_ANSWER"],
    ["redirect", () => Response.redirect("http://127.0.0.1:9/"), "PEER_BAD_ANSWER"],
    ["damaged", () => wire(Uint8Array.of(1, 2, 3)), "PEER_BAD_ANSWER"],
    ["other version", () => wire(Uint8Array.of(99, 2, 3)), "PEER_VERSION"],
    [
      "no error",
      () => wire(encode(1) as BodyInit, "application/x-tandem-error", 500),
      "PEER_BAD_ANSWER",
    ],
    ["endless", () => endless("application/x-tandem"), "RESULT_TOO_LARGE"],
    ["endless error", () => endless("application/x-tandem-error"), "RESULT_TOO_LARGE"],
    ["endless text", () => endless("text/plain"), "PEER_BAD_ANSWER"],
    ["large", () => wire(new Uint8Array(2_000_000)), "RESULT_TOO_LARGE"],
  ];
  await using box = fake(async (request) => {
    await request.arrayBuffer();
    const name = decodeURIComponent(new URL(request.url).pathname.split("/").at(-1)!);
    return answers.find(([known]) => known === name)![1]();
  });
  const client = connect(box.url, { maxAnswerBytes: 1_000_000, timeoutMs: 20_000 });
  const functions = client as unknown as Record<string, () => Promise<unknown>>;
  for (const [name, , code] of answers) await assert.rejects(functions[name]!(), hasCode(code));
});

Deno.test("rpc() takes no more than it may of an answer that becomes large only then", async () => {
  const packed = await new Response(
    new Blob([new Uint8Array(1 << 24)]).stream().pipeThrough(new CompressionStream("gzip")),
  ).bytes();
  const heads: [head: string, body: Uint8Array][] = [
    [`content-encoding: gzip\r\ncontent-length: ${packed.length}`, packed],
    [
      "content-length: 5\r\ntransfer-encoding: chunked",
      new TextEncoder().encode(`${(1 << 24).toString(16)}\r\n${"x".repeat(1 << 24)}\r\n0\r\n\r\n`),
    ],
  ];
  for (const [head, body] of heads) {
    await using box = new Stranger(async (connection) => {
      await write(connection, `HTTP/1.1 200 OK\r\ncontent-type: application/x-tandem\r\n`);
      await write(connection, `${head}\r\n\r\n`);
      await write(connection, body);
    });
    const client = connect(`http://${box.address.name}`, { maxAnswerBytes: 1_000_000 });
    await assert.rejects(client.add(1, 2), hasCode("RESULT_TOO_LARGE"));
  }
});

Deno.test("rpc() tells a connection that was lost from one that never was, and waits no longer than it says", async () => {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const connections: Deno.Conn[] = [];
  let cut = "at once" as "at once" | "half way" | "never";
  const serving = (async () => {
    for await (const connection of listener) {
      connections.push(connection);
      await connection.read(new Uint8Array(4096));
      if (cut === "never") continue;
      if (cut === "half way") {
        const head =
          "HTTP/1.1 200 OK\r\ncontent-type: application/x-tandem\r\ncontent-length: 9\r\n\r\nab";
        await connection.write(new TextEncoder().encode(head));
      }
      connection.close();
    }
  })();
  const url = `http://127.0.0.1:${(listener.addr as Deno.NetAddr).port}`;
  const client = connect(url, { timeoutMs: 20_000 });
  await assert.rejects(client.add(1, 2), hasCode("PEER_LOST", /may have run/));
  cut = "half way";
  await assert.rejects(client.add(1, 2), hasCode("PEER_LOST", /may have run/));
  cut = "never";
  await assert.rejects(
    connect(url, { timeoutMs: 50 }).add(1, 2),
    hasCode("DEADLINE_EXCEEDED", /may have run/),
  );
  await until(() => connections.length === 3);
  connections.at(-1)!.close();
  listener.close();
  await serving;
});

Deno.test("rpc() refuses addresses and options that it cannot use", () => {
  for (
    const url of [
      "",
      "box",
      "/path",
      "ftp://host",
      "http://me:secret@host",
      "http://h/?a",
      "http://h/#a",
    ]
  ) {
    assert.throws(() => rpc(url), { name: "TypeError", message: /^Cannot call functions at / });
  }
  const wrong = (options: object, name: string, message: RegExp) =>
    assert.throws(() => rpc("http://host", options), { name, message });
  wrong({ timeoutMs: 0 }, "RangeError", /timeoutMs/);
  wrong({ timeoutMs: "1" }, "TypeError", /timeoutMs/);
  wrong({ maxAnswerBytes: 0.5 }, "RangeError", /maxAnswerBytes/);
  wrong({ fetch: 1 }, "TypeError", /fetch/);
  wrong({ signal: 1 }, "TypeError", /signal/);
  wrong({ pasword: "x" }, "TypeError", /pasword/);
  for (const password of ["", "a\nb", "ö", " a", 1]) {
    assert.throws(() => rpc("http://host", { password } as RpcClientOptions), (error: Error) => {
      assert.match(error.message, /visible ASCII/);
      assert.doesNotMatch(error.message, /ö/);
      return true;
    });
  }
});
