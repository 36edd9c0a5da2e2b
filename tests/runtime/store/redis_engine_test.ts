import assert from "node:assert/strict";
import type { Engine } from "../../../runtime/store/engine.ts";
import { compareKeys, type KvKey } from "../../../runtime/store/keys.ts";
import { openRedisEngine } from "../../../runtime/store/redis_engine.ts";
import {
  drain,
  freePort,
  lacksRedis,
  listen,
  type RedisServer,
  startRedis,
} from "../../support/redis.ts";
import { bytesOf, engineSuite, textOf, until } from "./engine_suite.ts";

const ignore = lacksRedis();

let server: RedisServer | undefined;
let namespaces = 0;

Deno.test.beforeAll(async () => {
  if (!ignore) server = await startRedis();
});

Deno.test.afterAll(async () => await server?.[Symbol.asyncDispose]());

/** A namespace of the shared server that no other test has. */
function freshUrl(): string {
  return `${server!.url()}?namespace=test-${++namespaces}`;
}

engineSuite("RedisEngine", async () => {
  const url = freshUrl();
  const engines: Engine[] = [];
  const reopen = async () => {
    const engine = await openRedisEngine(url);
    engines.push(engine);
    return engine;
  };
  return {
    engine: await reopen(),
    reopen,
    async [Symbol.asyncDispose]() {
      for (const engine of engines) await engine.close();
    },
  };
}, { ignore });

/** Runs a test on the shared server. */
function test(name: string, fn: (url: string) => Promise<void>): void {
  Deno.test({ name: `RedisEngine: ${name}`, ignore, fn: () => fn(freshUrl()) });
}

test("a commit that finds something else in the index's place does nothing", async (url) => {
  const engine = await openRedisEngine(url);
  const namespace = new URL(url).searchParams.get("namespace");
  for (const name of ["index", "expiries"]) {
    await server!.ask("SET", `${namespace}:${name}`, "x");
    const write = { key: ["a"], value: bytesOf("1"), expireInMs: 60_000 };
    await assert.rejects(engine.commit([], [write]), /WRONGTYPE/);
    assert.equal(await textOf(engine, ["a"]), null);
    await server!.ask("DEL", `${namespace}:${name}`);
  }
  await engine.close();
});

test("a user who may write but not publish is refused at once", async (url) => {
  const namespace = new URL(url).searchParams.get("namespace");
  await server!.ask("ACL", "SETUSER", "mute", "on", ">p", "~*", "+@all", "resetchannels");
  const mute = url.replace("//", "//mute:p@");
  await assert.rejects(openRedisEngine(mute), /^RuntimeError: Cannot open the store at .*publish/);
  await server!.ask("ACL", "SETUSER", "mute", "allchannels");
  const engine = await openRedisEngine(mute);
  assert.equal(await server!.ask("ZCARD", `${namespace}:index`), ":0\r\n"); // no trace of the probe
  await engine.close();
});

test("an expired row is gone, from scans and from the index, too", async (url) => {
  const engine = await openRedisEngine(url);
  const namespace = new URL(url).searchParams.get("namespace");
  const count = async (name: string) => await server!.ask("ZCARD", `${namespace}:${name}`);
  await engine.commit([], [
    { key: ["a"], value: bytesOf("1"), expireInMs: 1 },
    { key: ["b"], value: bytesOf("1") },
    { key: ["c"], value: bytesOf("1"), expireInMs: 1 },
    { key: ["c"], value: bytesOf("2") }, // no life any more
  ]);
  await until(async () => await textOf(engine, ["a"]) === null);
  assert.equal(await count("index"), ":3\r\n");
  const check = { key: ["a"], versionstamp: null };
  assert.notEqual(await engine.commit([check], []), null);
  const keys = await Array.fromAsync(engine.scan([]), ({ key }) => key);
  assert.deepEqual(keys, [["b"], ["c"]]);
  assert.equal(await count("index"), ":2\r\n");
  assert.equal(await count("expiries"), ":0\r\n");
  await engine.close();
});

test("commits tidy up expired rows that nobody scans", async (url) => {
  const engine = await openRedisEngine(url);
  const namespace = new URL(url).searchParams.get("namespace");
  const keys = Array.from({ length: 100 }, (_, index): KvKey => ["part", index]);
  await engine.commit([], keys.map((key) => ({ key, value: bytesOf("1"), expireInMs: 1 })));
  await until(async () => {
    await engine.commit([], [{ key: ["other"], value: bytesOf("1") }]);
    return await server!.ask("ZCARD", `${namespace}:index`) === ":1\r\n";
  });
  assert.equal(await server!.ask("ZCARD", `${namespace}:expiries`), ":0\r\n");
  await engine.close();
});

test("namespaces and databases do not see each other", async (url) => {
  const engines = await Promise.all(
    [url, `${url}-other`, url.replace("/0?", "/1?")].map((url) => openRedisEngine(url)),
  );
  for (const [index, engine] of engines.entries()) {
    await engine.commit([], [{ key: ["a"], value: bytesOf(String(index)) }]);
  }
  for (const [index, engine] of engines.entries()) {
    assert.equal(await textOf(engine, ["a"]), String(index));
    assert.equal((await Array.fromAsync(engine.scan([]))).length, 1);
    await engine.close();
  }
});

test("foreign commits are heard, with their keys, and own ones are not", async (url) => {
  const [one, two] = [await openRedisEngine(url), await openRedisEngine(url)];
  const heard: (readonly KvKey[] | null)[] = [];
  one.onForeignCommit!((keys) => heard.push(keys));
  await until(() => heard.length === 1); // it has begun to listen
  assert.deepEqual(heard, [null]);
  await one.commit([], [{ key: ["own"], value: bytesOf("1") }]);
  const keys: KvKey[] = [["a", 1, 2n, true, new Uint8Array([0, 58])], ["b"]];
  await two.commit([], [{ key: keys[0]!, value: bytesOf("1") }, { key: keys[1]!, value: null }]);
  await until(() => heard.length === 2);
  assert.deepEqual([...heard[1]!].sort(compareKeys), keys);
  const many = Array.from({ length: 200 }, (_, index): KvKey => ["x".repeat(1_900), index]);
  await two.commit([], many.map((key) => ({ key, value: bytesOf("1") })));
  await until(() => heard.length === 3);
  assert.equal(heard[2], null); // too many to name
  await one.close();
  await two.close();
});

test("scripts that Redis has forgotten are sent again", async (url) => {
  const engine = await openRedisEngine(url);
  await server!.ask("SCRIPT", "FLUSH");
  await engine.commit([], [{ key: ["a"], value: bytesOf("1") }]);
  assert.equal(await textOf(engine, ["a"]), "1");
  await server!.ask("SCRIPT", "FLUSH");
  assert.equal((await Array.fromAsync(engine.scan([]))).length, 1);
  await engine.close();
});

test("what Redis refuses is an error, and the next call works", async (url) => {
  const engine = await openRedisEngine(url);
  const namespace = new URL(url).searchParams.get("namespace");
  await server!.ask("SET", `${namespace}:index`, "no sorted set");
  const write = { key: ["a"], value: bytesOf("1") };
  await assert.rejects(engine.commit([], [write]), { code: "STORE_FAILED", message: /WRONGTYPE/ });
  await server!.ask("DEL", `${namespace}:index`);
  await engine.commit([], [write]);
  assert.equal(await textOf(engine, ["a"]), "1");
  await engine.close();
});

Deno.test({
  name: "RedisEngine: a killed server fails calls soon, and a restarted one is used again",
  ignore,
  fn: async () => {
    await using own = await startRedis();
    const engine = await openRedisEngine(own.url(), { waitMs: 200 });
    const heard: (readonly KvKey[] | null)[] = [];
    engine.onForeignCommit!((keys) => heard.push(keys));
    const watch = engine.watch([["a"]]);
    await watch.changed();
    const write = { key: ["a"], value: bytesOf("1") };
    await engine.commit([], [write]);
    await watch.changed();
    const gaps = heard.length;

    const calls = Array.from({ length: 50 }, () => engine.commit([], [write]));
    const settled = Promise.allSettled(calls);
    await own.kill();
    for (const result of await settled) {
      if (result.status === "rejected") assert.equal(result.reason.code, "STORE_FAILED");
    }
    const start = performance.now();
    const failure = {
      code: "STORE_FAILED",
      message: /^Cannot use the store at "redis:.*: .*refused$/,
    };
    for (let count = 0; count < 3; count++) {
      await assert.rejects(engine.read([["a"]]), failure);
      await assert.rejects(engine.commit([], [write]), failure);
      await assert.rejects(Array.fromAsync(engine.scan([])), failure);
    }
    assert.ok(performance.now() - start < 2_000, "the calls waited for long");
    const again = watch.changed();
    await own.restart();
    await until(() => engine.commit([], [write]).then(() => true, () => false));
    await again;
    await until(() => heard.length > gaps);
    assert.equal(heard.at(-1), null);
    assert.equal(await textOf(engine, ["a"]), "1");
    watch.close();
    await engine.close();
  },
});

Deno.test({
  name: "RedisEngine: a server that stops answering is given up, and used again when it does",
  ignore,
  fn: async () => {
    await using own = await startRedis();
    const times = { answerMs: 100, connectMs: 100, waitMs: 100, askMs: 20 };
    const engine = await openRedisEngine(own.url(), times);
    const watch = engine.watch([["a"]]);
    await watch.changed();
    own.signal("SIGSTOP");
    const failure = { code: "STORE_FAILED", message: /no answer in 100 ms$/ };
    await assert.rejects(engine.read([["a"]]), failure);
    await assert.rejects(engine.commit([], []), { code: "STORE_FAILED" });
    const again = watch.changed(); // the other connection is asked by itself
    own.signal("SIGCONT");
    await until(() => engine.commit([], []).then(() => true, () => false));
    await again;
    watch.close();
    await engine.close();
  },
});

Deno.test({
  name: "openRedisEngine() says that the password is wrong, and shows none",
  ignore,
  fn: async () => {
    await using own = await startRedis({ password: "s3cret/ä" });
    const engine = await openRedisEngine(own.url());
    await engine.commit([], [{ key: ["a"], value: bytesOf("1") }]);
    await engine.close();
    const host = `127.0.0.1:${own.port}`;
    for (const user of ["", ":gu3ss@", "someb0dy:gu3ss@"]) {
      await assert.rejects(openRedisEngine(`redis://${user}${host}`), (error: Error) => {
        assert.equal((error as { code?: string }).code, "STORE_FAILED");
        assert.match(
          error.message,
          /^Cannot open the store at "redis:\/\/127.0.0.1:\d+\/0": the user or/,
        );
        assert.doesNotMatch(Deno.inspect(error), /gu3ss|someb0dy|s3cret/);
        return true;
      });
    }
  },
});

Deno.test("openRedisEngine() says that nobody listens", async () => {
  await assert.rejects(openRedisEngine(`redis://:gu3ss@127.0.0.1:${freePort()}/2`), {
    name: "RuntimeError",
    code: "STORE_FAILED",
    message: /^Cannot open the store at "redis:\/\/127.0.0.1:\d+\/2": the connection was refused$/,
  });
});

Deno.test("openRedisEngine() names the missing permission", {
  permissions: { net: ["127.0.0.1:1"], read: true },
}, async () => {
  await assert.rejects(openRedisEngine("redis://127.0.0.1:2"), {
    code: "PERMISSION_MISSING",
    message: /access is not granted, run with --allow-net=127.0.0.1:2 /,
  });
});

Deno.test("openRedisEngine() needs no permission beside the net's", {
  permissions: { net: ["127.0.0.1"], read: true, run: ["redis-server"], write: ["/tmp"] },
  ignore,
}, async () => {
  const engine = await openRedisEngine(server!.url());
  await engine.close();
});

const ANSWERS: Readonly<Record<string, string>> = {
  "a web server": "HTTP/1.1 400 Bad Request\r\nconnection: close\r\n\r\n",
  "noise": "\0\xff\x01?garbage\r\n\r\n+",
  "another protocol": "220 mail.test ESMTP\r\n",
  "too friendly": "+OK\r\n+OK\r\n+OK\r\n+OK\r\n+OK\r\n+OK\r\n+OK\r\n",
  "endless": "*1000000\r\n:1\r\n",
};

for (const [name, answer] of Object.entries(ANSWERS)) {
  Deno.test(`openRedisEngine() refuses what is no Redis: ${name}`, async () => {
    await using other = listen(async (connection) => {
      await connection.write(new TextEncoder().encode(answer));
      await drain(connection);
    });
    const url = `redis://:gu3ss@127.0.0.1:${other.port}`;
    await assert.rejects(
      openRedisEngine(url, { connectMs: 300, answerMs: 300 }),
      (error: Error) => {
        assert.equal((error as { code?: string }).code, "STORE_FAILED");
        assert.doesNotMatch(Deno.inspect(error), /gu3ss/);
        return true;
      },
    );
  });
}

Deno.test("openRedisEngine() waits no longer than it may for what says nothing", async () => {
  await using other = listen(drain);
  await assert.rejects(openRedisEngine(`redis://127.0.0.1:${other.port}`, { connectMs: 100 }), {
    code: "STORE_FAILED",
    message: /no answer in 100 ms$/,
  });
});

Deno.test("openRedisEngine() refuses what hangs up at once", async () => {
  await using other = listen(() => Promise.resolve());
  await assert.rejects(openRedisEngine(`redis://127.0.0.1:${other.port}`), {
    code: "STORE_FAILED",
  });
});

Deno.test("openRedisEngine() refuses URLs that it does not understand, and shows no secret", async () => {
  const wrong = [
    "",
    "nonsense",
    "http://u5er:s3cret@127.0.0.1",
    "redis://",
    "redis://u5er:s3cret@127.0.0.1:99999",
    "redis://u5er:s3cret@127.0.0.1/db",
    "redis://u5er:s3cret@127.0.0.1/1/2",
    "redis://u5er:s3cret@127.0.0.1/0?password=s3cret",
    "redis://u5er:s3cret@127.0.0.1/0?namespace=",
    "redis://u5er:s3cret@127.0.0.1/0?namespace=a%20b",
    "redis://u5er:s3cret@127.0.0.1/0#x",
  ];
  for (const url of wrong) {
    await assert.rejects(openRedisEngine(url), (error: Error) => {
      assert.ok(error instanceof TypeError, url);
      assert.match(error.message, /^Cannot open a store in Redis.*allowed is redis\[s\]:/);
      assert.doesNotMatch(Deno.inspect(error), /u5er|s3cret/);
      return true;
    });
  }
});
