import assert from "node:assert/strict";
import { fixture, open as openSite, until } from "../http/support.ts";
import { countWorkers } from "../../support/workers.ts";
import { open, PASSWORD, sendRaw } from "./support.ts";

const FORM = { "content-type": "application/x-www-form-urlencoded" };
const json = (value: unknown) => encodeURIComponent(JSON.stringify(value));

for (const isolation of ["thread", "process"] as const) {
  Deno.test(`RpcServer takes arguments in every form, functions in a ${isolation}`, async () => {
    await using site = await open({ isolation });
    const args = async (path: string, init?: RequestInit) => {
      const { status, value, text } = await site.call(path, init);
      assert.equal(status, 200, text);
      assert.equal(value.count, value.args.length);
      return value.args;
    };
    const form = (body: string) => ({ method: "POST", headers: FORM, body });
    const multi = new FormData();
    multi.append("p", "1");
    multi.append("p", '"two"');

    // All of them in one parameter, in the query and in forms.
    assert.deepEqual(await args(`echo?params=${json([1, "two", null])}`), [1, "two", null]);
    assert.deepEqual(await args(`echo?params=${json({ b: 1, a: [2] })}`), [1, [2]]);
    assert.deepEqual(await args(`echo?params=${json({ b: 1, 7: "seven" })}`), ["seven", 1]);
    assert.deepEqual(await args("echo?params=[]"), []);
    assert.deepEqual(await args("echo", form(`params=${json([{ x: "y&=" }])}`)), [{ x: "y&=" }]);
    assert.deepEqual(await args("echo?params=[1]&p=2", form("p=3")), [1]);
    // One each.
    assert.deepEqual(await args("echo?p=1&p=false&p=null&p=%22%22"), [1, false, null, ""]);
    assert.deepEqual(await args("echo", form("p=1&p=%5B2%5D")), [1, [2]]);
    assert.deepEqual(await args("echo?p=1", form("p=2")), [1, 2]);
    assert.deepEqual(await args("echo", { method: "POST", body: multi }), [1, "two"]);
    // The body as it is.
    const post = (body?: string | Uint8Array<ArrayBuffer>, headers = {}) => ({
      method: "POST",
      body,
      headers,
    });
    assert.deepEqual(await args("echo", post("raw €\ufeff")), ["raw €\ufeff"]);
    assert.deepEqual(await args("echo", post("[1]", { "content-type": "application/json" })), [
      "[1]",
    ]);
    assert.deepEqual(await args("echo", form("just text")), ["just text"]);
    assert.deepEqual(await args("echo", post("")), []);
    assert.deepEqual(await args("echo", post()), []);
    assert.deepEqual(await args("echo"), []);
    // A form that holds only other parameters is no argument.
    assert.deepEqual(await args("echo", form("output=0")), []);
    assert.deepEqual(await args("echo?p=1", post("not looked at")), [1]);
    assert.deepEqual((await site.call("add?p=19&p=23")).value, 42);
  });

  Deno.test(`RpcServer answers in every form, functions in a ${isolation}`, async () => {
    await using site = await open({ isolation });
    const plain = await site.call('prints?p="a"&p="b"');
    assert.deepEqual([plain.status, plain.text], [200, "2"]);
    assert.equal(plain.headers.get("content-type"), "application/json");
    assert.equal(plain.headers.get("cache-control"), "no-store");
    const printed = await site.call('prints?output=1&p="a"&p="€"');
    assert.deepEqual([printed.status, printed.text], [200, "a€"]);
    assert.equal(printed.headers.get("content-type"), "text/plain; charset=utf-8");
    const both = await site.call('prints?output=2&p="a"');
    assert.deepEqual(both.value, { output: "a", return: "1" });
    assert.deepEqual((await site.call("nothing")).text, "null");
    assert.deepEqual((await site.call("nothing?output=2")).value, { output: "", return: "null" });
    for (const query of ["output=3", "return=serialize"]) {
      const wire = await site.call(`same?p=1&${query}`);
      assert.equal(wire.headers.get("content-type"), "application/x-tandem");
      assert.equal(wire.status, 200);
    }
    assert.equal((await site.call("same?p=1&output=0&return=json")).text, "1");
    // The other modes stay as they are.
    assert.equal((await site.call('prints?output=1&return=serialize&p="a"')).text, "a");
    const teapot = await site.call("answers?p=418");
    assert.deepEqual([teapot.status, teapot.value], [418, "status 418"]);
    const empty = await site.call("answers?p=204");
    assert.deepEqual([empty.status, empty.text], [204, ""]);
  });
}

Deno.test("RpcServer answers 400 to parameters that cannot be read, and runs nothing", async () => {
  await using site = await open();
  const post = (body: BodyInit, type: string) => ({
    method: "POST",
    body,
    headers: { "content-type": type },
  });
  const file = new FormData();
  file.append("p", new Blob(["1"]), "one.json");
  const cases: [path: string, init?: RequestInit, why?: RegExp][] = [
    ["echo?p={", undefined, /parameter p, number 1 of them, is not JSON/],
    ["echo?p=1&p=", undefined, /number 2/],
    ["echo?params=[1", undefined, /parameter params is not JSON/],
    ["echo?params=1", undefined, /JSON array or object/],
    ["echo?params=null", undefined, /JSON array or object/],
    ["echo?output=4", undefined, /output must be 0, 1, 2 or 3, and "4" was given/],
    ["echo?return=xml", undefined, /return must be/],
    ["echo?reset=2", undefined, /reset must be/],
    ["echo?include=a.php", undefined, /include is not supported/],
    ["echo?include_once=a", undefined, /include_once is not supported/],
    ["echo", { method: "POST", body: Uint8Array.of(0xff) }, /UTF-8/],
    ["echo", { method: "POST", body: file }, /parameter p is a file/],
    ["echo", post("no parts", "multipart/form-data; boundary=x"), /./],
    ["echo", post("no parts", "multipart/form-data"), /./],
    ["echo", post("x", "application/x-tandem"), /version/],
    ["echo", post(Uint8Array.of(1), "application/x-tandem"), /./],
    ["echo", { headers: { "x-tandem-timeout": "soon" } }, /x-tandem-timeout/],
    ["echo", { headers: { "x-tandem-timeout": "-1" } }, /x-tandem-timeout/],
  ];
  for (const [path, init, why = /./] of cases) {
    const { status, text } = await site.call(path, init);
    assert.equal(status, 400, `${path}: ${text}`);
    assert.match(text, /^Bad Request: /);
    assert.match(text, why);
  }
  // A bad request is no fault of the session.
  assert.equal((await site.call("add?p=1&p=2")).text, "3");
  assert.deepEqual(site.pool("rpc").ends, []);
});

Deno.test("RpcServer calls functions that are exported by name, and nothing else", async () => {
  await using site = await open();
  const names = [
    "missing",
    "secret",
    "Secret",
    "default",
    "then",
    "toJSON",
    "constructor",
    "prototype",
    "__proto__",
    "__defineGetter__",
    "hasOwnProperty",
    "toString",
    "echo/",
    "/echo",
    "a/echo",
    "echo%2Fx",
    "echo.php",
    "..%2Fecho",
    "echo%00",
    "%E0%A4%A",
    "%ff",
    "",
    "x".repeat(300),
    "Echo",
    "%20echo",
  ];
  for (const name of names) {
    for (const query of ["", "?output=3"]) {
      const { status, text } = await site.call(`${name}${query}`);
      assert.equal(status, 404, name);
      assert.doesNotMatch(text, /hidden|gate|counts|functions\.ts/);
      if (query === "") assert.equal(text, "Not Found");
    }
  }
  assert.deepEqual((await site.call("ech%6F?p=1")).value, { args: [1], count: 1 });
  // Below the path of the runtime there is nothing else.
  assert.equal((await site.get("/_tandem/rpc")).status, 404);
  assert.equal((await site.get("/_tandem/")).status, 404);
});

Deno.test("RpcServer answers 405 to other methods", async () => {
  await using site = await open();
  for (const method of ["PUT", "DELETE", "PATCH", "OPTIONS", "HEAD"]) {
    const { status, headers } = await site.call("add?p=1&p=2", { method });
    assert.equal(status, 405, method);
    assert.equal(headers.get("allow"), "GET, POST");
  }
});

Deno.test("RpcServer knows a caller by a password in the query, a form or a header", async () => {
  await using site = await open({ passwords: ["first word", "zweites Wört"] });
  const path = "/_tandem/rpc/add?p=1&p=2";
  const ask = async (query: string, init: RequestInit = {}) => {
    const { status, text, headers } = await site.get(`${path}${query}`, init);
    assert.equal(text, status === 200 ? "3" : "Unauthorized");
    if (status === 401) assert.equal(headers.get("www-authenticate"), "Bearer");
    return status;
  };
  const form = (body: string) => ({ method: "POST", headers: FORM, body });
  const bearer = (word: string) => ({ headers: { authorization: word } });
  const multi = new FormData();
  multi.append("auth", "first word");
  const second = encodeURIComponent("zweites Wört");
  assert.equal(await ask("&auth=first+word"), 200);
  assert.equal(await ask(`&auth=${second}`), 200);
  assert.equal(await ask("", form("auth=first%20word")), 200);
  assert.equal(await ask("", { method: "POST", body: multi }), 200);
  assert.equal(await ask("", bearer("Bearer first word")), 200);
  assert.equal(await ask("", bearer("bearer first word")), 200);

  assert.equal(await ask(""), 401);
  assert.equal(await ask("&auth="), 401);
  assert.equal(await ask("&auth=first"), 401);
  assert.equal(await ask("&auth=first+word+"), 401);
  assert.equal(await ask("&auth=FIRST+WORD"), 401);
  assert.equal(await ask("", form("auth=wrong")), 401);
  assert.equal(await ask("", form("auth")), 401);
  assert.equal(await ask("", { method: "POST", body: "auth=first word" }), 401);
  assert.equal(await ask("", bearer("Bearer wrong")), 401);
  assert.equal(await ask("", bearer("Bearer")), 401);
  assert.equal(await ask("", bearer("Basic first word")), 401);
  assert.equal(await ask("", bearer("first word")), 401);
  // A wrong word is wrong, whatever else is there.
  assert.equal(await ask("&auth=first+word", bearer("Bearer wrong")), 401);
  assert.equal(await ask("&auth=wrong", form("auth=first+word")), 401);
  // Who is not known learns nothing of names.
  assert.equal((await site.get("/_tandem/rpc/missing?auth=wrong")).status, 401);
  assert.equal((await site.get("/_tandem/rpc/a.b")).status, 401);
  // Rejected calls do not reach a worker.
  const { ended } = site.pool("rpc");
  await ask("&auth=wrong");
  assert.equal(site.pool("rpc").ended, ended);
});

Deno.test("RpcServer without passwords answers 401 to everybody and says so when it boots", async () => {
  await using site = await open({ passwords: [] });
  assert.equal((await site.call("add?p=1&p=2&auth=")).status, 401);
  const [line] = site.log.lines.filter(({ message }) => /^Nobody may call/.test(message));
  assert.equal(line!.level, "warn");
  assert.match(String(line!.fields.why), /rpc\.passwords.*peers\.secrets/);
});

Deno.test("RpcServer leaves its path to the site where there is no rpc document", async () => {
  await using site = await openSite({}, ({ app }) => {
    app.all("/_tandem/rpc/:name", (c) => c.text(`the site's ${c.req.param("name")}`));
  });
  assert.equal((await site.get("/_tandem/rpc/add")).text, "the site's add");
});

Deno.test("RpcServer answers 500 with what a function threw, and resets its session", async () => {
  await using site = await open({ workers: 1 });
  const fails = async (path: string) => {
    const { status, text } = await site.call(path);
    assert.equal(status, 500);
    return text;
  };
  const before = (await site.call("counts")).value.session;
  assert.equal(await fails("fails"), "out of range");
  const after = (await site.call("counts")).value;
  assert.notEqual(after.session, before);
  assert.equal(after.calls, 1);
  assert.equal(await fails('fails?p="empty"'), "Internal Server Error");
  assert.equal(await fails('fails?p="text"'), "just text");
  // What went wrong below the function is the function's failure.
  assert.equal(await fails('fails?p="busy"'), "a queue below is full");
  assert.match(await fails("answers?p=99"), /whole number from 200 to 599/);
  assert.match(await fails("answers?p=%22200%22"), /whole number from 200 to 599/);
  assert.match(await fails("exits"), /left with code 3/);
  assert.equal((await site.call("add?p=1&p=2")).text, "3");
  assert.ok(
    site.log.lines.some(({ message, fields }) =>
      message === "A function failed" && fields.function === "fails" &&
      String(fields.stack).includes("functions.ts")
    ),
  );
});

Deno.test("RpcServer answers 500 for a value without a form, and resets the session", async () => {
  await using site = await open({ workers: 1 });
  for (
    const path of [
      'makes?p="bigint"',
      'makes?p="cycle"',
      'makes?p="function"',
      'makes?p="symbol"',
      'makes?output=2&p="cycle"',
      'makes?output=3&p="function"',
      'makes?output=3&p="url"',
      'makes?output=3&p="shared"',
      'makes?output=3&p="symbol"',
    ]
  ) {
    const before = (await site.call("counts")).value.session;
    const { status, text } = await site.call(path);
    assert.equal(status, 500, path);
    if (!path.includes("output=3")) assert.equal(text, "Serialization of the return value failed");
    assert.notEqual((await site.call("counts")).value.session, before, path);
  }
  assert.equal((await site.call('makes?output=1&p="cycle"')).status, 200);
  // Each reset was an orderly one: nothing of this is an offence.
  assert.deepEqual([...new Set(site.pool("rpc").ends.map(({ reason }) => reason))], ["closed"]);
});

Deno.test("RpcServer keeps bodies, values and what is printed within their limits", async () => {
  await using site = await open({ maxBodyBytes: 1000, maxResultBytes: 3000, workers: 1 });
  const post = (body: BodyInit) => site.call("echo", { method: "POST", body });
  assert.equal((await post("x".repeat(1000))).status, 200);
  assert.equal((await post("x".repeat(1001))).status, 413);
  const chunks = (count: number) =>
    new ReadableStream<Uint8Array>({
      pull(controller) {
        controller.enqueue(new Uint8Array(100).fill(65));
        if (--count === 0) controller.close();
      },
    });
  assert.equal((await post(chunks(10))).status, 200);
  assert.equal((await post(chunks(11))).status, 413);
  assert.equal((await site.call("text?p=999")).status, 200);
  for (const path of ["text?p=1000", "text?output=3&p=2000", "text?output=2&p=999"]) {
    const { status, text } = await site.call(path);
    assert.equal(status, 500, path);
    if (!path.includes("=3")) assert.match(text, /above maxResultBytes \(3000\)/);
  }
  const line = json("x".repeat(200));
  for (const output of [0, 1, 2, 3]) {
    const few = `output=${output}${`&p=${line}`.repeat(14)}`;
    assert.equal((await site.call(`prints?${few}`)).status, 200);
    assert.equal((await site.call(`prints?${few}&p=${line}&p=${line}`)).status, 500);
  }
});

Deno.test("RpcServer keeps a session over requests and goes back to what request init left", async () => {
  const requestInit = { document: fixture("rpc/init.ts"), function: "initRequest" };
  for (const [session, left, seen] of [["restore", null, 1], ["keep", 1, 2]] as const) {
    await using site = await open({ workers: 1, session }, { requestInit });
    const first = (await site.call("counts")).value;
    const second = (await site.call("counts")).value;
    assert.equal(second.session, first.session);
    assert.deepEqual([first.calls, second.calls], [1, 2]);
    assert.deepEqual([first.requests, second.requests], [1, 2]);
    assert.equal(second.left, left);
    assert.deepEqual(first.locals, { threadType: "RPC Thread", seen: { n: 1 } });
    assert.deepEqual(second.locals, { threadType: "RPC Thread", seen: { n: seen } });
  }
  await using site = await open({ workers: 1, session: "request" }, { requestInit });
  const [first, second] = [await site.call("counts"), await site.call("counts")];
  assert.notEqual(first.value.session, second.value.session);
  assert.deepEqual([first.value.requests, second.value.requests], [1, 1]);
  await site.run(({ store }) => store.set("no sessions", true));
  const failed = await site.call("counts");
  assert.equal(failed.status, 500);
});

Deno.test("RpcServer resets a worker after reset=1, scheduleReset and maxRequests", async () => {
  await using site = await open({ workers: 1, maxRequests: 4 });
  const counts = async (query = "") => {
    const { value } = await site.call(`counts${query}`);
    return [value.calls, value.session];
  };
  const [one, first] = await counts("?reset=0");
  const [two, same] = await counts("?reset=1");
  assert.deepEqual([one, two, same], [1, 2, first]);
  const [again, other] = await counts();
  assert.equal(again, 1);
  assert.notEqual(other, first);
  await site.call("schedules");
  assert.equal((await counts())[0], 1);
  // An unknown function counts; what was refused before does not.
  assert.equal((await site.call("missing")).status, 404);
  for (let turn = 0; turn < 5; turn++) await site.get("/_tandem/rpc/counts?auth=wrong");
  assert.equal((await counts())[0], 2);
  assert.equal((await counts())[0], 3);
  assert.equal((await counts())[0], 1);
});

Deno.test("RpcContext knows the box that the function runs in", async () => {
  await using site = await open({}, { xbox: fixture("messages/xbox.ts") });
  const { value, text } = await site.call("knows");
  assert.deepEqual(value, {
    stored: true,
    message: 'got "text"',
    pagelets: false,
    id: "string",
    stopping: false,
  }, text);
  await site.logged("a function writes");
});

Deno.test("RpcContext runs the phases of a call around its answer", async () => {
  await using site = await open({ workers: 1 });
  assert.equal((await site.call('phases?p="good"')).value, "good");
  await site.logged("good cleanup");
  const seen = site.log.lines.map(({ message }) => message).filter((text) => /^good/.test(text));
  assert.deepEqual(seen, ["good shutdown", "good post-send", "good waited", "good cleanup"]);
  const { status, text } = await site.call('phases?p="bad"');
  assert.deepEqual([status, text], [500, "shutdown failed"]);
  await site.logged("bad cleanup");
});

Deno.test("RpcServer answers 504 when the time is up, the caller's or its own", async () => {
  await using site = await open({ deadlineMs: 60_000 });
  const late = await site.call('gate?p="a"', { headers: { "x-tandem-timeout": "50" } });
  assert.deepEqual([late.status, late.text], [504, "Gateway Timeout"]);
  await site.logged("a aborted");
  await using quick = await open({ deadlineMs: 50 });
  const own = await quick.call('gate?p="b"', { headers: { "x-tandem-timeout": "60000" } });
  assert.equal(own.status, 504);
  await site.quiet();
});

Deno.test("RpcServer kills a function that spins in a process, and answers 504", async () => {
  await using site = await open({ isolation: "process", deadlineMs: 300, workers: 1 });
  assert.equal((await site.call("spins")).status, 504);
  await until(async () => (await site.call("add?p=1&p=2")).text === "3");
});

Deno.test("RpcServer answers 503 when the queue is full or was waited in for too long", async () => {
  await using site = await open({ workers: 1, spares: 1, queueLimit: 1, maxQueueMs: 100 });
  const running = site.call('gate?p="a"');
  await site.logged("a entered");
  const waiting = site.call("add?p=1&p=2");
  await until(() => site.pool("rpc").queued === 1);
  const full = await site.call("add?p=1&p=2");
  assert.deepEqual([full.status, full.text], [503, "Service Unavailable"]);
  const waited = await waiting;
  assert.deepEqual([waited.status, waited.text], [503, "Service Unavailable"]);
  await site.run(({ store }) => store.set(["gate", "a"], true));
  assert.equal((await running).value, "a");
});

Deno.test("RpcServer ends a call whose caller has gone", async () => {
  await using site = await open({ workers: 1 });
  const abort = new AbortController();
  const gone = site.call('gate?p="a"', { signal: abort.signal });
  await site.logged("a entered");
  const waiting = site.call('gate?p="never"', { signal: abort.signal });
  await until(() => site.pool("rpc").queued === 1);
  abort.abort();
  await assert.rejects(gone, { name: "AbortError" });
  await assert.rejects(waiting, { name: "AbortError" });
  await site.logged("a aborted");
  await site.quiet();
  assert.ok(!site.log.lines.some(({ message }) => message === "never entered"));
});

Deno.test("a drain waits for calls that are under way", async () => {
  const site = await open();
  const call = site.call('gate?p="a"');
  await site.logged("a entered");
  assert.equal(site.box.status().activeRequests, 1);
  const store = await site.run(({ store }) => store);
  const drained = site.box.drain({ graceMs: 20_000 });
  await until(() => site.box.status().state === "stopping");
  await store.set(["gate", "a"], true);
  assert.equal((await call).value, "a");
  await drained;
});

Deno.test("RpcServer answers 500 when a worker answers garbage, and goes on", async () => {
  using workers = countWorkers();
  {
    const document = fixture("rpc/hostile.ts");
    await using site = await open({ document, maxResultBytes: 1000 });
    const names: string[] = (await site.call("names")).value;
    assert.ok(names.length > 10);
    for (const name of names) {
      for (const output of [0, 3]) {
        // In the wire format every status has a value, be it nothing.
        if (output === 3 && /^(no|long) text$/.test(name)) continue;
        const { status, text } = await site.call(`garbage?output=${output}&p=${json(name)}`);
        assert.equal(status, 500, `${name}: ${text}`);
      }
      assert.equal((await site.call("fine")).value, "fine");
    }
    const reasons = site.pool("rpc").ends.map(({ reason }) => reason);
    assert.deepEqual([...new Set(reasons)], ["violated"]);
  }
  assert.equal(workers.running, 0);
});

Deno.test("RpcServer stands what comes over raw connections", async () => {
  await using site = await open({ deadlineMs: 300, maxBodyBytes: 1000 });
  const { host } = new URL(site.box.url);
  const ask = (head: string, body = "") =>
    sendRaw(
      site.box.url,
      `${head}\r\nhost: ${host}\r\nconnection: close\r\nauthorization: Bearer ${PASSWORD}\r\n${body}`,
    );
  assert.match(await ask("GET /_tandem/rpc/add?p=1&p=2 HTTP/1.1", "\r\n"), /^HTTP\/1.1 200 .*3$/s);
  // A body that does not come.
  const begun = "POST /_tandem/rpc/echo HTTP/1.1";
  assert.match(await ask(begun, "content-length: 10\r\n\r\nhalf"), /^HTTP\/1.1 408 /);
  assert.match(
    await ask(begun, "transfer-encoding: chunked\r\n\r\n4\r\nhalf\r\n"),
    /^HTTP\/1.1 408 /,
  );
  assert.match(await ask(begun, "content-length: 5000\r\n\r\nx"), /^HTTP\/1.1 413 /);
  assert.match(
    await ask(begun, `transfer-encoding: chunked\r\n\r\n3e9\r\n${"x".repeat(1001)}\r\n`),
    /^HTTP\/1.1 413 /,
  );
  // Whoever is not known is refused before the body.
  const unknown = await sendRaw(
    site.box.url,
    `POST /_tandem/rpc/echo HTTP/1.1\r\nhost: ${host}\r\nconnection: close\r\ncontent-length: 900\r\n\r\n`,
  );
  assert.match(unknown, /^HTTP\/1.1 401 /);
  const both = `POST /_tandem/rpc/add?p=1&p=2 HTTP/1.1\r\nhost: ${host}\r\n` +
    `authorization: Bearer x\r\nauthorization: Bearer ${PASSWORD}\r\nconnection: close\r\n\r\n`;
  assert.match(await sendRaw(site.box.url, both), /^HTTP\/1.1 401 /);
  await site.quiet();
  assert.equal((await site.call("add?p=1&p=2")).text, "3");
});

Deno.test("a document without functions keeps the box from booting, and is named", async () => {
  await assert.rejects(open({ document: fixture("rpc/none.ts") }), {
    code: "BOOT_FAILED",
    message: /none\.ts: it must export functions by name/,
  });
  await assert.rejects(open({ document: fixture("rpc/not_there.ts") }), {
    code: "BOOT_FAILED",
    message: /not_there\.ts/,
  });
});
