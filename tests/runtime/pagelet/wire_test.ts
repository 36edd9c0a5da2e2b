import assert from "node:assert/strict";
import {
  bodySize,
  parseAnswer,
  parseRequest,
  prepareRequest,
} from "../../../runtime/pagelet/wire.ts";

const request = {
  method: "GET",
  url: "http://localhost/x",
  headers: [["a", "1"]],
  body: null,
  requestId: "r.1",
};

Deno.test("prepareRequest() copies what the caller may go on changing", async () => {
  const body = Uint8Array.of(1, 2);
  const buffer = Uint8Array.of(3, 4).buffer;
  const prepared = prepareRequest("/x", { body });
  const other = prepareRequest("/x", { body: buffer });
  body[0] = 9;
  new Uint8Array(buffer)[0] = 9;
  assert.deepEqual(prepared.body, Uint8Array.of(1, 2));
  assert.deepEqual(other.body, Uint8Array.of(3, 4));
  const form = new FormData();
  form.set("a", "1");
  const posted = prepareRequest("/x", { body: form, headers: { "content-type": "text/plain" } });
  assert.match(posted.head.headers[0]![1], /^multipart\/form-data; boundary=/);
  assert.ok(await posted.body instanceof Uint8Array);
});

Deno.test("prepareRequest() keeps a path a path", () => {
  const url = (path: string) => prepareRequest(path, {}).head.url;
  assert.equal(url("//elsewhere/x"), "http://localhost//elsewhere/x");
  assert.equal(url("a b?c=d e"), "http://localhost/a%20b?c=d%20e");
  assert.equal(url("/a/../b"), "http://localhost/b");
  assert.equal(url("\\\\elsewhere"), "http://localhost///elsewhere");
  assert.equal(url("@elsewhere"), "http://localhost/@elsewhere");
  assert.equal(url(":80/"), "http://localhost/:80/");
  assert.throws(() => url("javascript:alert(1)"), TypeError);
});

Deno.test("parseRequest() takes what a worker may ask for and nothing else", () => {
  assert.deepEqual(parseRequest(request), request);
  assert.deepEqual(parseRequest({ ...request, extra: 1 }), request);
  for (
    const wrong of [
      null,
      [],
      "x",
      { ...request, method: "G T" },
      { ...request, method: "TRACE" },
      { ...request, method: 1 },
      { ...request, url: "http://elsewhere/" },
      { ...request, url: "http://localhost:81/" },
      { ...request, url: "http://localhost@elsewhere/" },
      { ...request, url: "/x" },
      { ...request, headers: {} },
      { ...request, headers: [["a"]] },
      { ...request, headers: [["a", 1]] },
      { ...request, headers: [["a b", "1"]] },
      { ...request, headers: [["a", "1\r\nb: 2"]] },
      { ...request, headers: Array.from({ length: 257 }, () => ["a", "1"]) },
      { ...request, body: 5 },
      { ...request, body: {} },
      { ...request, body: new ReadableStream() },
      { ...request, requestId: 5 },
      { ...request, requestId: "x".repeat(129) },
    ]
  ) assert.equal(parseRequest(wrong), undefined, Deno.inspect(wrong));
});

Deno.test("parseAnswer() takes what a worker may answer and throws at everything else", () => {
  const answer = { status: 200, headers: [["set-cookie", "a"], ["set-cookie", "b"]], body: null };
  assert.deepEqual(parseAnswer({ ...answer, more: 1 }), { ...answer, error: undefined });
  for (
    const wrong of [
      null,
      [],
      { ...answer, status: 199 },
      { ...answer, status: 600 },
      { ...answer, status: 200.5 },
      { ...answer, status: "200" },
      { ...answer, headers: null },
      { ...answer, headers: [["a\n", "b"]] },
      { ...answer, body: "text" },
      { ...answer, body: new ArrayBuffer(1) },
      { ...answer, body: new Uint8Array(new SharedArrayBuffer(1)) },
      { ...answer, body: { getReader() {} } },
    ]
  ) assert.throws(() => parseAnswer(wrong), TypeError, Deno.inspect(wrong));
  assert.equal(parseAnswer({ ...answer, error: "no record" }).error, undefined);
});

Deno.test("bodySize() counts bytes, not characters", () => {
  assert.deepEqual([null, "€", new Uint8Array(5), new ReadableStream()].map(bodySize), [
    0,
    3,
    5,
    0,
  ]);
});
