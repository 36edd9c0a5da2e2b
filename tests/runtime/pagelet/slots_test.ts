import assert from "node:assert/strict";
import { type DefaultTreeAdapterTypes, parse } from "../../../runtime/deps/parse5.ts";
import { slots, type TandemVariables } from "../../../mod.ts";
import { countWorkers } from "../../support/workers.ts";
import { fixture, open, type Opened } from "../http/support.ts";

type Element = DefaultTreeAdapterTypes.Element;
type Tasks = Parameters<typeof slots>[2];

const shell = {
  before: "<!doctype html><html lang=en><title>Slots</title><body><h1>Slots</h1><main>",
  after: "</main><footer>That was it</footer></body></html>",
};

/** A site whose page `/` has these slots, filled by what `start` starts. */
function withPage(
  names: string[],
  start: (pagelets: TandemVariables["pagelets"]) => Tasks,
  { css, fallback, pool = {} }: {
    css?: string;
    fallback?: (name: string, error: Error) => string;
    pool?: object;
  } = {},
): Promise<Opened> {
  const grid = names.map((name) => `<section><slot name="${name}">…</slot></section>`).join("");
  const options = { pagelets: { document: fixture("waits/pagelets.ts"), workers: 4, ...pool } };
  return open(options, (site) => {
    site.app.get("/", (c) => {
      return slots(c, { ...shell, grid, css, fallback }, start(c.var.pagelets));
    });
  });
}

function elements(node: DefaultTreeAdapterTypes.ParentNode): Element[] {
  return node.childNodes.filter((child) => "tagName" in child);
}

function textOf(node: DefaultTreeAdapterTypes.Node): string {
  if ("value" in node) return node.nodeName === "#text" ? node.value : "";
  return "childNodes" in node ? node.childNodes.map(textOf).join("") : "";
}

const attribute = (element: Element, name: string) =>
  element.attrs.find((attr) => attr.name === name)?.value;

/** What stands where in a page with slots; fails when the page around them is not whole. */
function readPage(html: string): { names: string[]; contents: Map<string, Element> } {
  const document = parse(html);
  const [, body] = elements(elements(document)[0]!);
  const [heading, main, footer, ...rest] = elements(body!);
  assert.deepEqual([heading, main, footer].map((e) => e?.tagName), ["h1", "main", "footer"]);
  assert.equal(textOf(footer!), "That was it");
  assert.equal(rest.length, 0);
  const [host, ...others] = elements(main!);
  assert.equal(others.length, 0);
  const [template, ...fills] = elements(host!);
  assert.equal(template!.tagName, "template");
  assert.equal(attribute(template!, "shadowrootmode"), "open");
  const shadow = (template as DefaultTreeAdapterTypes.Template).content;
  const nonces = new Set<string>();
  const slotNames = elements(shadow).slice(1).map((section) =>
    attribute(elements(section)[0]!, "name")!
  );
  const contents = new Map<string, Element>();
  const names: string[] = [];
  for (const fill of fills) {
    const slot = attribute(fill, "slot")!;
    assert.ok(slotNames.includes(slot), `no slot named ${slot}`);
    const [, name, nonce] = slot.match(/^(.*)-([0-9a-f]{32})$/)!;
    nonces.add(nonce!);
    assert.ok(!contents.has(name!), `slot ${name} is filled twice`);
    contents.set(name!, fill);
    names.push(name!);
  }
  assert.equal(nonces.size, fills.length > 0 ? 1 : 0);
  assert.equal(host!.childNodes.filter((node) => node.nodeName === "#text").length, 0);
  return { names, contents };
}

Deno.test("slots() sends the shell first and fills the slots in order of completion", async () => {
  const waits = [200, 50, 400, 100];
  const events: string[] = [];
  const times: { shell: number; end: number }[] = [];
  await using site = await withPage(
    waits.map((ms) => `w${ms}`),
    (pagelets) =>
      Object.fromEntries(waits.map((ms) => {
        const task = pagelets.start(`/wait/${ms}`);
        task.ended.then(() => events.push(`ended ${ms}`));
        return [`w${ms}`, task];
      })),
    { pool: { spares: 4 } },
  );
  for (let round = 0; round < 11; round++) {
    events.length = 0;
    const begin = performance.now();
    const response = await fetch(site.box.url);
    let html = "";
    let shellAt = 0;
    let slot = 0;
    const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader();
    for (let read = await reader.read(); !read.done; read = await reader.read()) {
      html += read.value;
      if (shellAt === 0) {
        assert.match(html, /<h1>Slots<\/h1>/);
        assert.deepEqual(events, [], "the shell comes before the first pagelet has ended");
        shellAt = performance.now() - begin;
      }
      const filled = html.match(/<div slot=/g)?.length ?? 0;
      for (; slot < filled; slot++) events.push(`filled ${slot + 1}`);
    }
    times.push({ shell: shellAt, end: performance.now() - begin });
    const { names, contents } = readPage(html);
    assert.deepEqual(names, ["w50", "w100", "w200", "w400"]);
    for (const ms of waits) assert.equal(textOf(contents.get(`w${ms}`)!), `waited ${ms}`);
    assert.deepEqual(
      events,
      [50, 100, 200, 400].flatMap((ms, i) => [
        `ended ${ms}`,
        `filled ${i + 1}`,
      ]),
    );
  }
  // The first round warms the code up.
  const median = (values: number[]) => values.sort((a, b) => a - b)[values.length >> 1]!;
  const end = median(times.slice(1).map((time) => time.end)) / 400;
  assert.ok(end < 1.15, `the page ended after ${end} times the slowest pagelet`);
  const first = median(times.slice(1).map((time) => time.shell));
  assert.ok(first < 50, `the shell came after ${first} ms`);
});

const MARKUP: Record<string, string> = {
  comment: "<p>text<!-- never closed",
  textarea: "<textarea>never closed",
  title: "<svg><title>never closed",
  table: "<table><tr><td>cell",
  tableText: "<table>text<tr>more",
  template: "<template><p>inside",
  quote: '<a href="never closed>link</a>',
  tag: "<div class=open",
  plaintext: "<plaintext>all that follows",
  script: "<script>let a = '<!--<script>';",
  style: "<style>p { color: red",
  iframe: "<iframe>",
  select: "<select><option>",
  closing: "</div></div></main></body></html>",
  closingTemplate: "</template></div><p>out",
  form: "<form><b><i><form>",
  formatting: "<b><i><u><p>bold",
  cdata: "<svg><![CDATA[",
  forged: '<div slot="good">forged</div></div><div slot="good">forged</div>',
  frameset: "<frameset><frame>",
  heading: "<h1>one<h1>two",
  entity: "&lt",
};

Deno.test("slots() keeps markup of every kind where it belongs", async () => {
  const names = Object.keys(MARKUP).flatMap((name) => [name, `${name}Next`]);
  await using site = await withPage(names, (pagelets) => {
    const tasks: Tasks = {};
    for (const [name, body] of Object.entries(MARKUP)) {
      tasks[name] = pagelets.start("/say", { body });
      tasks[`${name}Next`] = pagelets.start("/say", { body: `<p>good ${name}</p>` });
    }
    return tasks;
  });
  const { contents } = readPage((await site.get("/")).text);
  assert.deepEqual([...contents.keys()].sort(), [...names].sort());
  for (const name of Object.keys(MARKUP)) {
    assert.equal(textOf(contents.get(`${name}Next`)!), `good ${name}`, name);
  }
  assert.match(textOf(contents.get("table")!), /cell/);
  assert.match(textOf(contents.get("plaintext")!), /all that follows/);
  assert.equal(contents.get("textarea")!.childNodes[0]!.nodeName, "textarea");
});

Deno.test("slots() leaves a fallback where a pagelet failed, was late, refused, missing or crashed", async () => {
  const errors: Record<string, string> = {};
  const seen = (name: string, error: Error) => {
    errors[name] = error.message;
    return `<p>no ${name} <b>today`;
  };
  const grid = ["failed", "late", "refused", "missing", "crashed", "broken", "good", "unfilled"]
    .map((name) => `<slot name="${name}">loading</slot>`).join("");
  await using site = await open(
    { pagelets: { document: fixture("parts/pagelets.ts"), workers: 4, deadlineMs: 5_000 } },
    (site) => {
      site.app.get("/:kind", (c) => {
        const { pagelets } = c.var;
        const fallback = { own: seen, thrown: fail }[c.req.param("kind")];
        return slots(c, { ...shell, grid, fallback }, {
          failed: pagelets.start("/throw/range"),
          late: pagelets.start("/gate/never", { timeoutMs: 20 }),
          refused: null,
          missing: pagelets.start("/nowhere"),
          crashed: pagelets.start("/leave"),
          broken: pagelets.start("/broken"),
          good: pagelets.start("/html"),
        });
      });
    },
  );
  function fail(): string {
    throw new Error("no fallback");
  }
  for (const kind of ["own", "thrown", "standard"]) {
    const html = (await site.get(`/${kind}`)).text;
    assert.ok(html.endsWith(shell.after), kind);
    const fills = new Map(
      [...html.matchAll(/<div slot="(\w+)-[0-9a-f]{32}">(.*?)<\/div>/g)].map((m) => [m[1]!, m[2]!]),
    );
    assert.deepEqual([...fills.keys()].sort(), [
      "broken",
      "crashed",
      "failed",
      "good",
      "late",
      "missing",
      "refused",
    ]);
    for (const [name, markup] of fills) {
      if (name === "good") assert.equal(markup, "<p>hello</p>");
      else if (kind === "own") assert.equal(markup, `<p>no ${name} <b>today</b></p>`);
      else assert.match(markup, /role="status"/);
    }
  }
  assert.match(errors.failed!, /out of range/);
  assert.match(errors.late!, /its time was up/);
  assert.match(errors.refused!, /refused/);
  assert.match(errors.missing!, /404/);
  assert.match(errors.crashed!, /ended/);
  assert.match(errors.broken!, /broken off/);
  await site.quiet();
});

Deno.test("slots() shows text as text, and XML as markup", async () => {
  await using site = await open(
    { pagelets: fixture("parts/pagelets.ts") },
    (site) => {
      site.app.get("/", (c) =>
        slots(c, { ...shell, grid: '<slot name="text"></slot>' }, {
          text: c.var.pagelets.start("/text?q=<b>%26"),
        }));
    },
  );
  const { text } = await site.get("/");
  assert.match(text, /">plain &lt;b&gt;&amp;<\/div>/);
});

Deno.test("slots() throws before anything is sent when a task has no slot or the css ends its element", async () => {
  const layouts: [object, RegExp][] = [
    [{ grid: '<slot name="b"></slot>' }, /Cannot fill slot "a": the grid has "b"/],
    [{ grid: '<slot name="a"></slot>', css: "p{}</STYLE>" }, /css ends the style element/],
    [{ grid: "<slot></slot>" }, /no name/],
  ];
  let thrown: unknown;
  await using site = await open({ pagelets: fixture("parts/pagelets.ts") }, (site) => {
    site.app.get("/:n", (c) => {
      const [layout] = layouts[Number(c.req.param("n"))]!;
      try {
        return slots(c, { ...shell, grid: "", ...layout }, { a: c.var.pagelets.start("/text") });
      } catch (error) {
        thrown = error;
        throw error;
      }
    });
  });
  for (const [n, [, message]] of layouts.entries()) {
    const { status, text } = await site.get(`/${n}`);
    assert.deepEqual([status, text], [500, "Internal Server Error"]);
    assert.ok(thrown instanceof TypeError);
    assert.match(thrown.message, message);
  }
  await site.quiet();
});

Deno.test("slots() gives the grid its styles, with the policy's nonce", async () => {
  await using site = await open({ pagelets: fixture("parts/pagelets.ts") }, (site) => {
    const layout = { ...shell, grid: '<slot name="a"></slot>', css: ":host{display:grid}" };
    site.app.get("/", (c) => slots(c, { ...layout, cspNonce: 'n"1' }, { a: null }));
  });
  const { text, headers } = await site.get("/");
  assert.ok(text.includes('<style nonce="n&quot;1">:host{display:grid}</style>'));
  assert.match(headers.get("content-type")!, /^text\/html/i);
});

Deno.test("200 pages at 20 at once, one pagelet in ten failing, are whole and leave nothing behind", async () => {
  using workers = countWorkers();
  {
    let next = 0;
    await using site = await open(
      { pagelets: { document: fixture("parts/pagelets.ts"), workers: 3, queueLimit: 256 } },
      (site) => {
        site.app.get("/", (c) => {
          const { pagelets } = c.var;
          return slots(c, { ...shell, grid: '<slot name="a"></slot><slot name="b"></slot>' }, {
            a: pagelets.start(`/tenth/${next++}`),
            b: pagelets.start("/chunks/x,y"),
          });
        });
      },
    );
    let fallbacks = 0;
    const load = async () => {
      for (let i = 0; i < 10; i++) {
        const { status, text } = await site.get("/");
        assert.equal(status, 200);
        assert.ok(text.startsWith(shell.before) && text.endsWith(shell.after));
        assert.equal(text.match(/<div slot="[ab]-/g)?.length, 2);
        if (text.includes('role="status"')) fallbacks++;
        else assert.match(text, /<p>good \d*[1-9]<\/p>/);
      }
    };
    await Promise.all(Array.from({ length: 20 }, load));
    assert.equal(fallbacks, 20);
    await site.quiet();
    const { busy, queued, leaked, refused, ended } = site.pool();
    assert.deepEqual({ busy, queued, leaked, refused, ended }, {
      busy: 0,
      queued: 0,
      leaked: 0,
      refused: 0,
      ended: 400,
    });
    assert.ok(workers.started <= 3, "no worker was lost");
  }
  assert.equal(workers.running, 0);
});

Deno.test("slots() fills every slot that a task is given for, and takes a redirect for a failure", async () => {
  await using site = await open({
    pagelets: { document: fixture("parts/pagelets.ts"), workers: 2 },
  }, (site) => {
    site.app.get("/", (c) => {
      const twice = c.var.pagelets.start("/text?q=1");
      return slots(c, {
        ...shell,
        grid: '<slot name="a"></slot><slot name="b"></slot><slot name="moved"></slot>',
        fallback: (name) => `no ${name}`,
      }, { a: twice, b: twice, moved: c.var.pagelets.start("/redirect") });
    });
  });
  const { text } = await site.get("/");
  assert.equal(text.match(/plain 1/g)?.length, 2);
  assert.ok(text.includes("no moved"));
});
