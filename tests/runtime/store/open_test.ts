import assert from "node:assert/strict";
import { openStore } from "../../../runtime/store/mod.ts";
import { rejectsWith, tempDir } from "./support.ts";

Deno.test("openStore() refuses a url that is neither path, :memory:, http nor redis", async () => {
  for (const url of ["ftp://x", "file:///tmp/a.db", "mailto:a", "http://", ""]) {
    await assert.rejects(openStore({ url }), {
      name: "TypeError",
      message: `Cannot open a store at ${JSON.stringify(url)}: ` +
        "allowed are a file's path, :memory:, the http(s) URL of a KV Connect server, and " +
        "redis:// and rediss:// URLs",
    });
  }
  await assert.rejects(openStore({ url: 1 as unknown as string }), /at 1: allowed are/);
});

Deno.test("openStore() refuses a size limit that is none", async () => {
  for (const maxValueBytes of [0, -1, 1.5, NaN, Infinity, "1" as unknown as number]) {
    await assert.rejects(openStore({ url: ":memory:", maxValueBytes }), {
      name: "RangeError",
      message: /^Cannot open a store: maxValueBytes is .*, allowed are whole numbers from 1$/,
    });
  }
});

Deno.test("openStore() says what is wrong with a file that cannot be opened", async () => {
  await using dir = await tempDir();
  const missing = `${dir.path}/none/a.db`;
  const error = await rejectsWith(
    openStore({ url: missing }),
    "STORE_FAILED",
    /^Cannot open the store at ".*a\.db": the folder ".*none" does not exist, create it first$/,
  );
  assert.ok(error.cause instanceof Error);
  await rejectsWith(openStore({ url: dir.path }), "STORE_FAILED", /unable to open database file/);
  await Deno.writeTextFile(
    `${dir.path}/text`,
    "no database, but long enough to be read as one".repeat(99),
  );
  await rejectsWith(
    openStore({ url: `${dir.path}/text` }),
    "STORE_FAILED",
    /text": .*not a database/,
  );
  await rejectsWith(
    openStore({ url: `${dir.path}/text/a.db` }),
    "STORE_FAILED",
    /text" is no folder/,
  );
});

Deno.test("openStore() names the flags when a permission is missing", async () => {
  const error = await rejectsWith(
    openStore({ url: "/etc/tandem.db" }),
    "PERMISSION_MISSING",
    /at "\/etc\/tandem\.db": access is not granted, run with --allow-read=\/etc\/tandem\.db --allow-write=/,
  );
  assert.ok(error.cause instanceof Deno.errors.NotCapable);
  await rejectsWith(
    openStore({ url: "https://kv.test/x" }),
    "PERMISSION_MISSING",
    /--allow-net=kv\.test /,
  );
});

Deno.test("openStore() fails when the store cannot be written, and closes it", async () => {
  const kv = await Deno.openKv(":memory:");
  const full = new Proxy(kv, {
    get(target, name) {
      if (name === "atomic") throw new Error("attempt to write a readonly database");
      const member = Reflect.get(target, name);
      return typeof member === "function" ? member.bind(target) : member;
    },
  });
  const opening = openStore({ url: "a.db" }, { openKv: () => Promise.resolve(full) });
  await rejectsWith(opening, "STORE_FAILED", /at "a\.db": attempt to write a readonly database$/);
  await assert.rejects(kv.get(["a"]));
});

Deno.test("openStore() names the flag when Deno.openKv is missing", async () => {
  const descriptor = Object.getOwnPropertyDescriptor(Deno, "openKv")!;
  Object.defineProperty(Deno, "openKv", { value: undefined, configurable: true });
  try {
    await rejectsWith(
      openStore(),
      "PERMISSION_MISSING",
      /^Cannot open the default store: .*--unstable-kv .*"unstable": \["kv"\]/,
    );
  } finally {
    Object.defineProperty(Deno, "openKv", descriptor);
  }
});

Deno.test("openStore() leaves nothing behind and keeps values over a restart", async () => {
  await using dir = await tempDir();
  const url = `${dir.path}/a.db`;
  await (await openStore({ url }))[Symbol.asyncDispose]();
  const kv = await Deno.openKv(url);
  assert.deepEqual(await Array.fromAsync(kv.list({ prefix: [] })), []);
  kv.close();
  {
    await using store = await openStore({ url });
    await store.set("a", new Map([[1, 2]]));
  }
  await using store = await openStore({ url });
  assert.deepEqual(await store.get("a"), new Map([[1, 2]]));
});

Deno.test("openStore() names no secret of a URL", async () => {
  for (
    const url of [
      "postgres://user:SECRET@host/db",
      "https://user:SECRET@/x",
      "http://user:SECRET@bad host/",
      "redis://user:12/SECRET@127.0.0.1/0",
      "redis://user:12#SECRET@127.0.0.1/0",
      "redis:user:SECRET@127.0.0.1",
    ]
  ) {
    await assert.rejects(openStore({ url }), (error: Error) => {
      assert.equal(error.name, "TypeError", url);
      assert.doesNotMatch(Deno.inspect(error), /SECRET/);
      return true;
    });
  }
  const url = "http://user:SECRET@kv.test?token=SECRET";
  const openKv = () => {
    throw new Error(`no way to ${url} (${new URL(url).href})`);
  };
  const error = await rejectsWith(
    openStore({ url }, { openKv }),
    "STORE_FAILED",
    /^Cannot open the store at "http:\/\/kv\.test": no way to http:\/\/kv\.test \(http:\/\/kv\.test\)$/,
  );
  assert.doesNotMatch(Deno.inspect(error), /SECRET/);
});

Deno.test("openStore() waits for an owner that does not listen yet, or no longer", async () => {
  await using dir = await tempDir();
  const socket = `${dir.path}/s`;
  const lock = await Deno.open(`${socket}.lock`, { create: true, write: true });
  await lock.lock(true); // as an owner has it before it listens
  const module = new URL("../../../runtime/store/mod.ts", import.meta.url).href;
  const code = `const { openStore } = await import(${JSON.stringify(module)});
    const { connect } = Deno;
    Deno.connect = (options) => (console.log("trying"), connect(options));
    await using store = await openStore({ url: ":memory:", socket: ${JSON.stringify(socket)} });
    console.log((await store.info()).engine);`;
  const flags = ["--allow-read", `--allow-write=${dir.path}`, `--allow-net=unix:${socket}`];
  const child = new Deno.Command("deno", {
    args: [
      ...[
        "run",
        "--no-prompt",
        "--no-check",
        "--no-lock",
        "--no-config",
        "--unstable-kv",
        ...flags,
      ],
      `data:text/javascript,${encodeURIComponent(code)}`,
    ],
    stdin: "null",
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
  let said = "";
  let isHeld = true;
  for await (const text of child.stdout.pipeThrough(new TextDecoderStream())) {
    said += text;
    if (!isHeld || said.split("trying").length < 3) continue;
    isHeld = false; // it has failed once, and tried again
    lock.close();
  }
  assert.match(said, /^(trying\n){2,}memory\n$/);
  assert.ok((await child.status).success);
});
