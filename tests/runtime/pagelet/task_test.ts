import assert from "node:assert/strict";
import { RuntimeError } from "../../../runtime/errors.ts";
import type { PageletOptions, PageletTask, SiteOptions } from "../../../mod.ts";
import { fixture, open as openSite, until } from "../http/support.ts";
import { countWorkers } from "../../support/workers.ts";

function hasCode(error: unknown, code: string): true {
  assert.ok(error instanceof RuntimeError, Deno.inspect(error));
  assert.equal(error.code, code);
  return true;
}

for (const isolation of ["thread", "process"] as const) {
  const where = isolation === "process" ? " in a process" : "";
  const open = (pagelets: object = {}, options: SiteOptions = {}) => {
    const document = fixture("parts/pagelets.ts");
    return openSite({ ...options, pagelets: { document, isolation, ...pagelets } });
  };

  Deno.test(`PageletTask.result() brings a body that ends at once as one final result${where}`, async () => {
    await using site = await open();
    await site.run(async ({ pagelets }) => {
      for (
        const [path, code, type, body] of [
          ["/text?q=1", 200, "text/plain", "plain 1"],
          ["text?q=no slash", 200, "text/plain", "plain no slash"],
          ["?q=1", 200, "text/plain", "root"],
          ["/json", 200, "application/json", '{"a":[1,2]}'],
          ["/html", 200, "text/html", "<p>hello</p>"],
          ["/nobody", 204, "", ""],
          ["/unknown", 404, "text/plain", "no pagelet /unknown"],
          ["/redirect", 307, "", ""],
        ] as const
      ) {
        const task = pagelets.start(path);
        assert.match(task.status, /queued|running/);
        assert.equal(task.url, path);
        const part = await task.result();
        assert.deepEqual([part.code, part.body], [code, body], path);
        assert.ok((part.headers.get("content-type") ?? "").startsWith(type), path);
        assert.equal(task.status, "done");
        assert.equal(task.error, undefined);
        assert.equal(await task.result(), part);
      }
      assert.equal(pagelets.started, 8);
      assert.equal(pagelets.enabled, true);
    });
  });

  Deno.test(`PageletTask.result() brings one part a chunk, without headers, then the end${where}`, async () => {
    await using site = await open();
    await site.run(async ({ pagelets }) => {
      const task = pagelets.start("/chunks/a,b,c");
      const parts = [];
      let part;
      do parts.push(part = await task.result()); while (part.code === 0);
      assert.deepEqual(parts.map(({ code, body }) => [code, body]), [
        [0, "a"],
        [0, "b"],
        [0, "c"],
        [201, ""],
      ]);
      assert.deepEqual(parts.map(({ headers }) => headers.get("x-parts")), [
        null,
        null,
        null,
        "yes",
      ]);
      assert.deepEqual([...parts[0]!.headers], []);
      assert.equal(await task.result({ timeoutMs: 5 }), part);
      assert.equal(task.status, "done");
    });
  });

  Deno.test(`PageletTask[Symbol.asyncIterator]() yields all parts and the end${where}`, async () => {
    await using site = await open();
    await site.run(async ({ pagelets }) => {
      const seen: [number, string][] = [];
      for await (const { code, body } of pagelets.start("/chunks/x,y")) seen.push([code, body]);
      assert.deepEqual(seen, [[0, "x"], [0, "y"], [201, ""]]);
    });
  });

  Deno.test(`PageletTask.result() answers -1 when its wait is over, and the task goes on${where}`, async () => {
    await using site = await open();
    await site.run(async ({ pagelets, store }) => {
      const task = pagelets.start("/gate/a");
      const waited = await task.result({ timeoutMs: 5 });
      assert.deepEqual([waited.code, waited.body, [...waited.headers]], [-1, "", []]);
      await site.logged("a entered");
      assert.equal(task.status, "running");
      await store.set(["gate", "a"], true);
      const { code, body } = await task.result({ timeoutMs: 60_000 });
      assert.deepEqual([code, body], [200, "a passed"]);
    });
  });

  Deno.test(`PageletTask.status goes from queued to running to flushed to done${where}`, async () => {
    await using site = await open({ workers: 1 });
    await site.run(async ({ pagelets, store }) => {
      const first = pagelets.start("/gate/first");
      const second = pagelets.start("/half/second");
      await site.logged("first entered");
      assert.deepEqual([first.status, second.status], ["running", "queued"]);
      await store.set(["gate", "first"], true);
      await until(() => second.status === "flushed");
      assert.deepEqual([first.status, (await second.result()).code], ["done", 0]);
      assert.equal(second.status, "running");
      await store.set(["gate", "second"], true);
      await until(() => second.status === "flushed");
      await second.ended;
      assert.equal(second.status, "flushed", "an ended pagelet with parts to collect is flushed");
      assert.equal(await second.text(), "second half");
      assert.equal(second.status, "done");
    });
  });

  Deno.test(`PageletTask.text() brings the whole body, multi-byte characters whole${where}`, async () => {
    await using site = await open();
    await site.run(async ({ pagelets }) => {
      assert.equal(await pagelets.start("/split").text(), "a€😀b");
      assert.equal(await pagelets.start("/chunks/1,2,3").text(), "123");
      const bodies: string[] = [];
      for await (const { body } of pagelets.start("/split")) bodies.push(body);
      assert.deepEqual(bodies, ["a", "", "", "€", "", "", "", "😀", "b", ""]);
    });
  });

  Deno.test(`PageletTask.response() streams, with status and headers${where}`, async () => {
    await using site = await open();
    await site.run(async ({ pagelets, store }) => {
      const response = await pagelets.start("/half/a").response();
      assert.equal(response.status, 200);
      assert.equal(response.headers.get("content-type"), "text/html");
      const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader();
      assert.equal((await reader.read()).value, "<p>first half");
      await store.set(["gate", "a"], true);
      assert.equal((await reader.read()).value, "second half");
      assert.equal((await reader.read()).done, true);
      const cookies = await pagelets.start("/cookies").response();
      assert.deepEqual(cookies.headers.getSetCookie(), ["a=1; Path=/", "b=2; Path=/"]);
      const { headers } = await pagelets.start("/cookies").result();
      assert.deepEqual(headers.getSetCookie(), ["a=1; Path=/", "b=2; Path=/"]);
      const moved = await pagelets.start("/redirect").response();
      assert.deepEqual([moved.status, moved.headers.get("location")], [307, "/elsewhere"]);
      assert.equal((await pagelets.start("/nobody").response()).body, null);
      const head = await pagelets.start("/chunks/a,b", { method: "HEAD" }).response();
      assert.deepEqual([head.status, head.headers.get("x-parts"), await head.text()], [
        201,
        "yes",
        "",
      ]);
    });
    await site.quiet();
  });

  Deno.test(`PageletTask.response() reads on only as far as it is read${where}`, async () => {
    await using site = await open();
    await site.run(async ({ pagelets, store }) => {
      const task = pagelets.start("/endless");
      const reader = (await task.response()).body!.getReader();
      // 1 MiB is read ahead, 16 chunks of 64 KiB; the streams between hold a few more.
      let before = -1;
      let now = 0;
      for (let turns = 0; now < 16 || before !== now; turns++) {
        assert.ok(turns < 500);
        await pagelets.start("/text").text();
        before = now;
        now = await store.get<number>("endless") ?? 0;
      }
      assert.ok(now < 32, `${now} chunks`);
      await reader.cancel("enough");
      assert.equal(task.status, "cancelled");
    });
    await site.quiet();
    assert.equal(site.pool().leaked, 0);
  });

  Deno.test(`PageletTask carries binary and big bodies both ways${where}`, async () => {
    await using site = await open({ maxBodyBytes: 32 << 20 });
    await site.run(async ({ pagelets }) => {
      const bytes = Uint8Array.from({ length: 512 }, (_, i) => i);
      const back = await pagelets.start("/bytes", { body: bytes }).response();
      assert.deepEqual(await back.bytes(), bytes);
      const big = new Uint8Array(20_000_000);
      for (let i = 0; i < big.length; i += 997) big[i] = i;
      const echoed = await (await pagelets.start("/bytes", { body: big }).response()).bytes();
      assert.equal(echoed.length, big.length);
      assert.ok(echoed.every((byte, i) => byte === big[i]));
      assert.ok(big.length === 20_000_000, "the caller keeps its bytes");
      const whole = await (await pagelets.start("/big/20000000").response()).bytes();
      assert.ok(whole.every((byte, i) => byte === big[i]));
      const streamed = await (await pagelets.start("/big-stream/20000000").response()).bytes();
      assert.ok(streamed.length >= 20_000_000);
      const source = new ReadableStream<Uint8Array>({
        start(controller) {
          for (let i = 0; i < 20; i++) controller.enqueue(new Uint8Array(1_000_000));
          controller.close();
        },
      });
      assert.equal(await pagelets.start("/count", { body: source }).text(), "20000000");
    });
  });

  Deno.test(`PageletTask holds to maxBodyBytes and maxResultBytes${where}`, async () => {
    await using site = await open({ maxBodyBytes: 1000, maxResultBytes: 100_000 });
    await site.run(async ({ pagelets }) => {
      for (const body of ["x".repeat(1001), new Uint8Array(1001), "€".repeat(400)]) {
        assert.throws(() => pagelets.start("/count", { body }), {
          name: "RangeError",
          message: /"\/count".*maxBodyBytes \(1000\)/,
        });
      }
      assert.equal(await pagelets.start("/count", { body: "x".repeat(1000) }).text(), "1000");
      const form = new FormData();
      form.set("file", new Blob([new Uint8Array(2000)]));
      const posted = pagelets.start("/count", { body: form });
      assert.equal((await posted.result()).code, 500);
      assert.match(posted.error!.message, /maxBodyBytes \(1000\)/);
      const body = new ReadableStream<Uint8Array>({
        start(controller) {
          controller.enqueue(new Uint8Array(2000));
          controller.close();
        },
      });
      const streamed = pagelets.start("/count", { body });
      assert.equal((await streamed.result()).code, 500);
      assert.ok(streamed.error instanceof Error);
      for (const path of ["/big/100001", "/big-stream/200000"]) {
        const task = pagelets.start(path);
        let part;
        do part = await task.result(); while (part.code === 0);
        assert.equal(part.code, 500, path);
        assert.match(task.error!.message, /more than 100000 bytes/);
        await assert.rejects(pagelets.start(path).text(), /more than 100000 bytes/);
      }
      assert.equal(
        (await (await pagelets.start("/big/100000").response()).bytes()).length,
        100_000,
      );
    });
    await site.quiet();
  });

  Deno.test(`PageletTask.error has the class, message and cause of what the handler threw${where}`, async () => {
    await using site = await open();
    await site.run(async ({ pagelets }) => {
      const task = pagelets.start("/throw/range");
      const { code, body } = await task.result();
      assert.deepEqual([code, body], [500, "Internal Server Error"]);
      assert.equal(task.status, "failed");
      const { error } = task;
      assert.ok(error instanceof RangeError);
      assert.equal(error.message, "out of range");
      assert.ok(error.cause instanceof TypeError);
      await assert.rejects(pagelets.start("/throw/range").text(), RangeError);
      for (
        const [path, message] of [
          ["/throw/text", /just text/],
          ["/throw/nothing", /undefined/],
          ["/nothing", /not finalized|no response/],
          ["/broken-at-once", /no body/],
          ["/strings", /not bytes/],
          ["/no-response", /no response/],
          ["/locked", /locked/],
        ] as const
      ) {
        const failed = pagelets.start(path);
        assert.equal((await failed.result()).code, 500, path);
        assert.match(failed.error!.message, message, path);
        assert.equal((await failed.response()).status, 500, path);
      }
    });
    assert.ok(
      site.log.lines.some(({ message, fields }) =>
        message === "A handler failed" && fields.why === "out of range" &&
        String(fields.stack).includes("parts/pagelets.ts")
      ),
    );
    assert.deepEqual(site.pool().ends, [], "no worker was lost");
  });

  Deno.test(`PageletTask that breaks off after parts ends with 500 and the error${where}`, async () => {
    await using site = await open();
    await site.run(async ({ pagelets }) => {
      const task = pagelets.start("/broken");
      const seen: [number, string][] = [];
      for await (const { code, body } of task) seen.push([code, body]);
      assert.deepEqual(seen, [[0, "one"], [0, "two"], [500, ""]]);
      assert.match(task.error!.message, /broken off/);
      assert.equal(task.status, "failed");
      const response = await pagelets.start("/broken").response();
      await assert.rejects(response.text(), /broken off/);
    });
    await site.quiet();
  });

  Deno.test(`PageletTask fails with THREAD_EXITED when its worker crashes, and the pool goes on${where}`, async () => {
    using workers = countWorkers();
    {
      await using site = await open({ workers: 1 });
      await site.run(async ({ pagelets }) => {
        for (const path of ["/crash", "/leave"]) {
          const task = pagelets.start(path);
          assert.equal((await task.result()).code, 500);
          hasCode(task.error, "THREAD_EXITED");
          assert.equal((await task.response()).status, 500);
          assert.equal(await pagelets.start("/text").text(), "plain ");
        }
      });
      // The second one is tried once more: its worker had run another request before.
      assert.equal(site.pool().ends.length, 3);
      assert.equal(workers.started, isolation === "thread" ? 4 : 0);
    }
    assert.equal(workers.running, 0);
  });

  Deno.test(`PageletTask.cancel() reaches both signals of the handler${where}`, async () => {
    await using site = await open();
    await site.run(async ({ pagelets }) => {
      const task = pagelets.start("/gate/a");
      await site.logged("a entered");
      task.cancel("changed my mind");
      const { code } = await task.result();
      assert.equal(code, 503);
      assert.equal(task.status, "cancelled");
      hasCode(task.error, "CANCELLED");
      assert.match(task.error!.message, /changed my mind/);
      task.cancel();
      const half = pagelets.start("/half/b");
      assert.equal((await half.result()).code, 0);
      half.cancel();
      assert.equal(half.status, "cancelled");
      assert.equal((await half.result()).code, 503);
    });
    await site.logged("a aborted");
    const { fields } = site.log.lines.find(({ message }) => message === "a aborted")!;
    assert.deepEqual([fields.raw, /changed my mind/.test(String(fields.why))], [true, true]);
    await site.quiet();
    assert.ok(!site.log.lines.some(({ level }) => level === "warn"), "no worker was replaced");
  });

  Deno.test(`PageletOptions.signal cancels, and refuses when it has aborted before${where}`, async () => {
    await using site = await open();
    await site.run(async ({ pagelets }) => {
      const abort = new AbortController();
      const task = pagelets.start("/gate/a", { signal: abort.signal });
      await site.logged("a entered");
      abort.abort(new TypeError("stop it"));
      await task.ended;
      assert.equal(task.status, "cancelled");
      assert.throws(() => pagelets.start("/text", { signal: abort.signal }), /stop it/);
      assert.equal(pagelets.started, 1);
    });
  });

  Deno.test(`PageletTask.cancel() has a worker replaced that ignores its signal${where}`, async () => {
    await using site = await open({ workers: 1, graceMs: 20 });
    await site.run(async ({ pagelets }) => {
      const deaf = pagelets.start("/deaf/a");
      await site.logged("a entered");
      deaf.cancel();
      assert.equal((await deaf.result()).code, 503);
      assert.equal(await pagelets.start("/text").text(), "plain ");
      assert.equal(site.pool().leaked, 0);
      const spinning = pagelets.start("/spin/400");
      while (spinning.status === "queued") await pagelets.start("/nobody").result({ timeoutMs: 1 });
      spinning.cancel();
      assert.equal(await pagelets.start("/text").text(), "plain ");
      // It comes back in time, which is not to be stuck.
      await until(() => site.pool().ends.length === 2);
      assert.equal(site.pool().leaked, 0);
    });
    assert.ok(site.log.lines.some(({ message }) => message.includes('"/deaf/a" did not stop')));
  });

  Deno.test(`PageletOptions.timeoutMs and deadlineMs end a pagelet with 504${where}`, async () => {
    await using site = await open({ workers: 3, spares: 3, deadlineMs: 60 });
    await site.run(async ({ pagelets }) => {
      const tasks: [PageletTask, RegExp][] = [
        [pagelets.start("/gate/own", { timeoutMs: 10 }), /its time was up after \d+ ms/],
        [pagelets.start("/gate/pool"), /its time was up after [6-9]\d|\d{3}/],
        [pagelets.start("/half/parts", { timeoutMs: 30_000 }), /its time was up/],
      ];
      for (const [task, message] of tasks) {
        let part;
        do part = await task.result(); while (part.code === 0);
        assert.equal(part.code, 504);
        assert.equal(task.status, "timed-out");
        hasCode(task.error, "DEADLINE_EXCEEDED");
        assert.match(task.error!.message, message);
      }
      assert.equal((await tasks[0]![0].response()).status, 504);
    });
    // A process that is slow to answer when its time is up is killed without another word.
    if (isolation === "thread") {
      await site.logged("own aborted");
      await site.logged("pool aborted");
    }
    await site.quiet();
  });

  Deno.test(`PageletTask that waits longer than maxQueueMs ends with 503 and is not run${where}`, async () => {
    await using site = await open({ workers: 1, maxQueueMs: 20 });
    await site.run(async ({ pagelets, store }) => {
      const first = pagelets.start("/gate/first");
      await site.logged("first entered");
      const second = pagelets.start("/gate/second");
      assert.equal((await second.result()).code, 503);
      hasCode(second.error, "QUEUE_TIMEOUT");
      assert.equal(second.status, "failed");
      await store.set(["gate", "first"], true);
      assert.equal(await first.text(), "first passed");
    });
    await site.quiet();
    assert.ok(!site.log.lines.some(({ message }) => message === "second entered"));
  });

  Deno.test(`Pagelets.asCompleted() yields in order of completion, also what failed${where}`, async () => {
    await using site = await open({ workers: 4 });
    await site.run(async ({ pagelets, store }) => {
      const names = ["a", "b", "c"];
      const tasks: PageletTask[] = names.map((name) => pagelets.start(`/gate/${name}`));
      tasks.push(pagelets.start("/throw/range"));
      for (const name of names) await site.logged(`${name} entered`);
      const order: string[] = [];
      for await (const task of pagelets.asCompleted(tasks)) {
        order.push(task.url);
        const next = ["b", "c", "a"][order.length - 1];
        if (next) await store.set(["gate", next], true);
      }
      assert.deepEqual(order, ["/throw/range", "/gate/b", "/gate/c", "/gate/a"]);
      for await (const _ of pagelets.asCompleted([])) assert.fail("nothing was started");
    });
  });

  Deno.test(`PageletTask that a page leaves goes on when the page ends well${where}`, async () => {
    await using site = await open();
    await site.run(({ pagelets }) => void pagelets.start("/gate/a"));
    await site.logged("a entered");
    await site.run(({ store }) => store.set(["gate", "a"], true));
    await site.quiet();
    assert.ok(!site.log.lines.some(({ message }) => message === "a aborted"));
  });

  Deno.test(`PageletTask of a parent, on a pool of one worker, never stands still${where}`, async () => {
    await using site = await open({ workers: 1 }, {
      xbox: { document: fixture("messages/xbox.ts"), workers: 1 },
    });
    await site.run(async ({ pagelets }) => {
      const expected = "((leaf leaf) (leaf leaf))";
      assert.equal(await pagelets.start("/tree/3").text(), `(${expected} ${expected})`);
      const trees = [1, 2, 3].map(() => pagelets.start("/tree/2"));
      for (const tree of trees) assert.equal(await tree.text(), expected);
      assert.equal(await pagelets.start("/patient").text(), "done: plain child");
      assert.equal(await pagelets.start("/messenger/2").text(), "(((leaf))) (((leaf)))");
      assert.equal(await pagelets.start("/streams-child").text(), "[x][y][z]");
    });
    await site.quiet();
    assert.equal(site.pool().workers, 1);
  });

  Deno.test(`PageletTask in a worker that is busy while its child ends is still collected${where}`, async () => {
    await using site = await open({ workers: 2, spares: 2 }, { xbox: fixture("messages/xbox.ts") });
    await site.run(async ({ pagelets }) => {
      assert.equal(await pagelets.start("/late").text(), "plain early early");
    });
  });

  Deno.test(`PageletTask recursion without end is refused and the box lives${where}`, async () => {
    await using site = await open({ workers: 1 });
    await site.run(async ({ pagelets }) => {
      assert.equal(await pagelets.start("/forever/0").text(), "");
    }).catch((error) => hasCode(error, "DEPTH_EXCEEDED"));
    assert.equal(await site.run(({ pagelets }) => pagelets.start("/text").text()), "plain ");
    await site.quiet();
  });

  Deno.test(`PageletTask does not end with its child that does not stop${where}`, async () => {
    await using site = await open({ workers: 1, graceMs: 10 });
    await site.run(async ({ pagelets, store }) => {
      const parent = pagelets.start("/parent-of-deaf/a");
      while (await store.get("child-code") !== 504) await parent.result({ timeoutMs: 5 });
      await site.logged('A worker of pool pagelets was replaced: pagelet "/deaf/a" did not stop');
      await store.set(["gate", "parent"], true);
      assert.equal(await parent.text(), "child 504");
      assert.equal(await pagelets.start("/text").text(), "plain ");
    });
  });

  Deno.test(`PageletTask.cancel() of a parent cancels what the parent started${where}`, async () => {
    await using site = await open();
    await site.run(async ({ pagelets }) => {
      const parent = pagelets.start("/parent/child");
      await site.logged("child entered");
      parent.cancel();
      await site.logged("child aborted");
    });
    await site.quiet();
  });

  Deno.test(`PageletOptions become the request that the pagelet sees${where}`, async () => {
    await using site = await open();
    await site.run(async ({ pagelets }) => {
      const echo = async (options: PageletOptions, path = "/echo") =>
        JSON.parse(await pagelets.start(path, options).text());
      assert.deepEqual(await echo({}), {
        method: "GET",
        url: "http://localhost/echo",
        headers: [],
        body: "",
        threadType: "Pagelet Thread",
      });
      assert.equal(
        (await echo({}, "/echo?a=1&b=%20#part")).url,
        "http://localhost/echo?a=1&b=%20#part",
      );
      const text = await echo({ body: "text €" });
      assert.deepEqual([text.method, text.body], ["POST", "text €"]);
      assert.deepEqual(text.headers, [["content-type", "text/plain;charset=UTF-8"]]);
      assert.equal((await echo({ body: "" })).method, "POST");
      assert.equal((await echo({ body: "x", method: "put" })).method, "PUT");
      assert.equal((await echo({ method: "PURGE" })).method, "PURGE");
      const params = await echo({ body: new URLSearchParams({ a: "1 2", b: "ä" }) });
      assert.equal(params.body, "a=1+2&b=%C3%A4");
      assert.match(params.headers[0][1], /x-www-form-urlencoded/);
      assert.equal((await echo({ body: new TextEncoder().encode("bytes") })).body, "bytes");
      assert.equal(
        (await echo({ body: new TextEncoder().encode("buffer").buffer })).body,
        "buffer",
      );
      assert.equal((await echo({ body: new Blob(["streamed"]).stream() })).body, "streamed");
      const headers = new Headers([["x-a", "1"], ["x-a", "2"], ["cookie", "s=1; t=2"]]);
      assert.deepEqual((await echo({ headers })).headers, [["cookie", "s=1; t=2"], [
        "x-a",
        "1, 2",
      ]]);
      assert.deepEqual(
        (await echo({ body: "{}", headers: { "content-type": "application/json" } }))
          .headers,
        [["content-type", "application/json"]],
      );
      const form = new FormData();
      form.append("name", "Zoë");
      form.append("name", "twice");
      form.append("file", new File([Uint8Array.of(0, 255, 10)], "a.bin", { type: "x/y" }));
      assert.deepEqual(JSON.parse(await pagelets.start("/form", { body: form }).text()), [
        ["name", "Zoë"],
        ["name", "twice"],
        ["file", "a.bin x/y 0,255,10"],
      ]);
    });
  });

  Deno.test(`Pagelets.start() refuses wrong input and names what was given${where}`, async () => {
    await using site = await open();
    await site.run(({ pagelets }) => {
      const wrong: [unknown, unknown, string, RegExp][] = [
        ["", {}, "TypeError", /an empty text/],
        [5, {}, "TypeError", /type number/],
        [new URL("http://localhost/x"), {}, "TypeError", /type object/],
        ["http://elsewhere/", {}, "TypeError", /"http:\/\/elsewhere\/"/],
        ["/x", { method: "NO SUCH" }, "TypeError", /"NO SUCH" is no method/],
        ["/x", { method: "connect" }, "TypeError", /"connect" is no method/],
        ["/x", { method: 5 }, "TypeError", /5 is no method/],
        ["/x", { method: "GET", body: "x" }, "TypeError", /GET request has no body/],
        ["/x", { body: 5 }, "TypeError", /Number was given/],
        ["/x", { body: { a: 1 } }, "TypeError", /Object was given/],
        ["/x", { headers: { "a b": "1" } }, "TypeError", /"a b"/],
        ["/x", { headers: { a: "b\nc" } }, "TypeError", /b\\nc/],
        ["/x", { timeoutMs: 0 }, "RangeError", /above 0, and 0 was given/],
        ["/x", { timeoutMs: NaN }, "RangeError", /NaN was given/],
        ["/x", { timeoutMs: "100" }, "RangeError", /100 was given/],
      ];
      for (const [url, options, name, message] of wrong) {
        const start = () => pagelets.start(url as string, options as PageletOptions);
        assert.throws(start, { name, message }, Deno.inspect([url, options]));
        assert.throws(() => pagelets.tryStart(url as string, options as PageletOptions), { name });
      }
      assert.equal(pagelets.started, 0);
    });
    assert.equal(site.pool().ended, 0);
  });

  Deno.test(`Pagelets.start() throws QUEUE_FULL, tryStart() returns null, and a worker learns it as 503${where}`, async () => {
    await using site = await open({ workers: 1, queueLimit: 0 });
    await site.run(async ({ pagelets, store }) => {
      const first = pagelets.start("/gate/a");
      assert.throws(() => pagelets.start("/text"), (error) => hasCode(error, "QUEUE_FULL"));
      assert.equal(pagelets.tryStart("/text"), null);
      assert.equal(pagelets.started, 1);
      await store.set(["gate", "a"], true);
      await until(() => site.pool().busy === 0);
      assert.equal(await first.text(), "a passed");
      assert.equal(await pagelets.start("/refused").text(), "503 QUEUE_FULL true");
      assert.ok(site.pool().refused >= 3);
    });
  });

  Deno.test(`Pagelets.start() throws DISABLED on a site without pagelets${where}`, async () => {
    await using site = await openSite({});
    await site.run(({ pagelets }) => {
      assert.equal(pagelets.enabled, false);
      assert.throws(() => pagelets.start("/x"), (error) => hasCode(error, "DISABLED"));
      assert.equal(pagelets.tryStart("/x"), null);
    });
  });

  Deno.test(`Pagelets.start() throws STOPPING once the pool closes; a drain lets pages finish${where}`, async () => {
    const site = await open();
    let drained: Promise<void> | undefined;
    await site.run(async ({ pagelets, server, store }) => {
      const before = pagelets.start("/gate/a");
      await site.logged("a entered");
      drained = site.box.drain();
      assert.equal(server.isStopping, true);
      assert.equal(await pagelets.start("/text").text(), "plain ");
      await store.set(["gate", "a"], true);
      assert.equal(await before.text(), "a passed");
    });
    await drained;
    const other = await open();
    const { promise: refused, resolve: tell } = Promise.withResolvers<unknown>();
    const page = other.run(async ({ pagelets }) => {
      const task = pagelets.start("/gate/a");
      await other.logged("a entered");
      await other.box.stop();
      tell(task.error);
      assert.throws(() => pagelets.start("/text"), (error) => hasCode(error, "STOPPING"));
      assert.equal(pagelets.tryStart("/text"), null);
    });
    await page.catch(() => {});
    hasCode(await refused, "STOPPING");
  });
}
