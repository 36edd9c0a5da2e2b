import assert from "node:assert/strict";
import { createSite, serve, type SiteOptions } from "../../mod.ts";

const doc = new URL("file:///site/x.ts");

/** What is given, and what the message must hold: the field, what is allowed, what was given. */
const WRONG: [string, unknown, "TypeError" | "RangeError", RegExp][] = [
  ["no object", 5, "TypeError", /"options": an object is needed, and 5 was given/],
  ["an unknown field", { pagelet: doc }, "TypeError", /"pagelet".*may have.*pagelets/],
  ["a field of later", { adminPort: 1 }, "TypeError", /"adminPort": this version does not/],
  ["a relative document", { xbox: "./x.ts" }, "TypeError", /"xbox".*new URL\("\.\/x\.ts", import/],
  ["a document of no URL", { startup: { document: 5 } }, "TypeError", /"startup\.document": a URL/],
  ["a foreign scheme", { pages: "blob:x" }, "TypeError", /"pages"/],
  ["no document", { pagelets: { workers: 2 } }, "TypeError", /"pagelets\.document".*undefined/],
  ["null", { pages: null }, "TypeError", /"pages": an object is needed, and null/],
  ["null", { pagelets: null }, "TypeError", /"pagelets": an object is needed, and null/],
  ["an empty name", { name: "" }, "TypeError", /"name": a text is needed/],
  ["threads of no list", { threads: doc }, "TypeError", /"threads": a list/],
  ["a bad thread", { threads: [doc, 7] }, "TypeError", /"threads\[1\]"/],
  [
    "no workers",
    { pagelets: { document: doc, workers: 0 } },
    "RangeError",
    /workers".*1.*0 was given/,
  ],
  ["part of one", { xbox: { document: doc, queueLimit: 1.5 } }, "RangeError", /"xbox\.queueLimit"/],
  ["a text", { xbox: { document: doc, workers: "2" } }, "TypeError", /"xbox\.workers": a number/],
  ["NaN", { xbox: { document: doc, deadlineMs: NaN } }, "RangeError", /deadlineMs".*NaN/],
  [
    "too long",
    { threadLoops: [{ document: doc, pauseMs: 1e12 }] },
    "RangeError",
    /pauseMs": at most/,
  ],
  [
    "spares",
    { xbox: { document: doc, workers: 1, spares: 2 } },
    "TypeError",
    /"xbox\.spares": at most/,
  ],
  [
    "a session that there is not",
    { xbox: { document: doc, session: "for ever" } },
    "TypeError",
    /"xbox\.session": "request", "restore", "keep" or "fresh" is needed, and "for ever" was given/,
  ],
  [
    "a priority",
    { xbox: { document: doc, priority: 1 } },
    "TypeError",
    /"low", "normal" or "high"/,
  ],
  [
    "concurrency",
    { xbox: { document: doc, concurrency: 2 } },
    "RangeError",
    /with session "restore"/,
  ],
  ["concurrency", { pagelets: { document: doc, concurrency: 33 } }, "RangeError", /at most 32/],
  ["concurrency", { pagelets: { document: doc, concurrency: 0 } }, "RangeError", /at least 1/],
  ["maxLeaked", { maxLeaked: -1 }, "RangeError", /"maxLeaked"/],
  [
    "isolation",
    { pages: { document: doc, isolation: "thread" } },
    "TypeError",
    /"entry", "worker" or "process"/,
  ],
  [
    "isolation",
    { xbox: { document: doc, isolation: "worker" } },
    "TypeError",
    /"xbox\.isolation": "thread" or "process" is needed, and "worker" was given/,
  ],
  [
    "a heap of a thread",
    { pagelets: { document: doc, maxHeapMb: 64 } },
    "TypeError",
    /"pagelets\.maxHeapMb": only.*isolation is not "process"/,
  ],
  [
    "a heap that holds nothing",
    { pagelets: { document: doc, isolation: "process", maxHeapMb: 15 } },
    "RangeError",
    /"pagelets\.maxHeapMb".*at least 16.*15 was given/,
  ],
  [
    "inherited permissions of a process",
    { xbox: { document: doc, isolation: "process", permissions: "inherit" } },
    "TypeError",
    /"xbox\.permissions": "none" or every permission by name/,
  ],
  [
    "one inherited permission of a process",
    { pages: { document: doc, isolation: "process", permissions: { net: "inherit" } } },
    "TypeError",
    /"pages\.permissions\.net": true, false or a list/,
  ],
  ["permissions", { xbox: { document: doc, permissions: 1 } }, "TypeError", /"xbox\.permissions"/],
  [
    "a scope",
    { xbox: { document: doc, store: { read: "a" } } },
    "TypeError",
    /"xbox\.store\.read"/,
  ],
  [
    "a function",
    { requestInit: { document: doc, function: 1 } },
    "TypeError",
    /requestInit\.function/,
  ],
  ["a warm-up", { warmup: ["x"] }, "TypeError", /"warmup": a list of paths/],
  ["a store", { store: { url: 5 } }, "TypeError", /"store\.url"/],
  ["a size", { store: { maxValueBytes: 0 } }, "RangeError", /"store\.maxValueBytes"/],
  [
    "a completion key",
    { store: { completionKeys: ["a", ""] } },
    "TypeError",
    /"store\.completionKeys\[1\]"/,
  ],
  ["completion keys", { store: { completionKeys: "a" } }, "TypeError", /"store\.completionKeys"/],
  ["peers", { peers: [] }, "TypeError", /"peers": an object/],
  ["a field of peers", { peers: { secret: "x" } }, "TypeError", /"peers\.secret"/],
  [
    "a short secret",
    { peers: { secrets: ["0123456789"] } },
    "TypeError",
    /^(?!.*01234).*"peers\.secrets"/,
  ],
  [
    "a secret",
    { peers: { secrets: "0123456789abcdef" } },
    "TypeError",
    /^(?!.*01234).*"peers\.secrets"/,
  ],
  ["a peer", { peers: { allow: [""] } }, "TypeError", /"peers\.allow": a list of names/],
  ["the name of a box", { peers: { self: [5] } }, "TypeError", /"peers\.self"/],
  [
    "an address with a path",
    { peers: { allow: ["http://a/b"] } },
    "TypeError",
    /"peers\.allow": Cannot find a box/,
  ],
  [
    "a name without a port",
    { peers: { self: ["here"] } },
    "TypeError",
    /"peers\.self": an address with a port/,
  ],
  [
    "the receiver of a thread",
    { threads: [{ document: doc, xbox: { to: ["a b"] } }] },
    "TypeError",
    /"threads\[0\]\.xbox\.to": Cannot find a box/,
  ],
  ["a clock", { peers: { clockSkewMs: 0 } }, "RangeError", /"peers\.clockSkewMs"/],
  ["a field of posts", { posts: { retries: 1 } }, "TypeError", /"posts\.retries"/],
  ["attempts", { posts: { attempts: 1001 } }, "RangeError", /at most 1000 .* 1001 was given/],
  ["a lease", { posts: { leaseMs: 99 } }, "RangeError", /"posts\.leaseMs".* at least 100/],
  [
    "a password",
    { rpc: { document: doc, passwords: "open" } },
    "TypeError",
    /^(?!.*open).*"rpc\.passwords"/,
  ],
  [
    "an empty password",
    { rpc: { document: doc, passwords: [""] } },
    "TypeError",
    /"rpc\.passwords"/,
  ],
  ["receivers", { xbox: { document: doc, xbox: { to: "a:80" } } }, "TypeError", /"xbox\.xbox\.to"/],
  [
    "a receiver",
    { pagelets: { document: doc, xbox: { to: [""] } } },
    "TypeError",
    /"pagelets\.xbox\.to"/,
  ],
  ["passwords", { xbox: { document: doc, passwords: ["x"] } }, "TypeError", /"xbox\.passwords"/],
  ["a source", { store: { prime: ["./p.ts"] } }, "TypeError", /"store\.prime\[0\]"/],
];

Deno.test.each(WRONG)("createSite() refuses %s", (_what, options, name, message) => {
  assert.throws(() => createSite(options as SiteOptions), { name, message });
});

Deno.test("createSite() fills in what is left out and starts nothing", () => {
  const { options } = createSite({
    pagelets: doc,
    threads: ["https://host/t.ts"],
    xbox: { document: doc },
  });
  assert.equal(options.name, "site");
  assert.equal(options.pagelets!.document, doc.href);
  assert.equal(options.pagelets!.permissions, "none");
  assert.equal(options.xbox!.queueLimit, 128);
  assert.deepEqual(options.threads, [
    { document: "https://host/t.ts", permissions: "none", store: {}, xbox: {}, once: false },
  ]);
  assert.equal(createSite({ xbox: { document: doc, workers: 1 } }).options.xbox!.spares, 1);
  // What was filled in can be given once more.
  const again = createSite({ pages: createSite({ pages: doc }).options.pages });
  assert.equal(again.options.pages!.isolation, "entry");
  const inProcess = createSite({ xbox: { document: doc, workers: 5, isolation: "process" } });
  assert.equal(inProcess.options.xbox!.spares, 5);
});

Deno.test("serve() refuses options that it does not know", async () => {
  const site = createSite();
  await assert.rejects(serve(site, { prot: 1 } as never), { name: "TypeError", message: /"prot"/ });
  await assert.rejects(serve(site, { adminPort: 0 } as never), { message: /this version/ });
});
