import assert from "node:assert/strict";
import { Hono } from "../../../runtime/deps/hono.ts";
import { composeApp, sealApp } from "../../../runtime/pagelet/compose.ts";
import type { RequestVariables } from "../../../runtime/pagelet/variables.ts";
import type { TandemEnv } from "../../../mod.ts";

const variables = { requestId: "r1" } as RequestVariables;

function serving(apps: unknown[], main: unknown = apps[0]) {
  const errors: unknown[] = [];
  const composed = composeApp(apps, main, "document x", (error, seen) => {
    errors.push(error, seen);
  });
  const get = async (path: string, env?: object) => {
    const request = new Request(`http://localhost${path}`);
    const response = await composed.fetch(request, variables, env);
    return `${response.status} ${await response.text()}`;
  };
  return { get, errors };
}

Deno.test("composeApp() fills c.var before the app's own middleware and leaves the app alone", async () => {
  const app = new Hono<TandemEnv>();
  app.use(async (c, next) => {
    await next();
    c.res.headers.set("x-id", c.var.requestId);
  });
  app.get("/", (c) => c.text(`${c.var.requestId} ${JSON.stringify(c.env)}`));
  const routes = app.routes.length;
  const { get } = serving([app]);
  assert.equal(await get("/", { remote: 1 }), '200 r1 {"remote":1}');
  assert.equal(app.routes.length, routes);
  assert.equal(await (await app.request("/")).text(), "undefined undefined");
});

Deno.test("composeApp() asks the apps in order and main for what none answers", async () => {
  const site = new Hono();
  site.get("/both", (c) => c.text("site"));
  const pages = new Hono();
  pages.get("/both", (c) => c.text("pages"));
  pages.get("/own", (c) => c.text("own"));
  pages.route("/sub", new Hono().get("/x", (c) => c.text("sub")));
  pages.notFound((c) => c.text("pages: none", 404));
  const { get } = serving([site, pages], pages);
  assert.equal(await get("/both"), "200 site");
  assert.equal(await get("/own"), "200 own");
  assert.equal(await get("/sub/x"), "200 sub");
  assert.equal(await get("/none"), "404 pages: none");
  assert.equal(await serving([site, pages], site).get("/none"), "404 404 Not Found");
});

Deno.test("composeApp() reports an error once and lets the app answer it", async () => {
  const plain = new Hono();
  const error = new TypeError("secret");
  plain.get("/", () => {
    throw error;
  });
  const silent = serving([plain]);
  assert.equal(await silent.get("/"), "500 Internal Server Error");
  assert.deepEqual(silent.errors, [error, variables]);
  const own = new Hono();
  own.get("/", () => {
    throw error;
  });
  own.onError((thrown, c) => c.text(thrown.message, 418));
  assert.equal(await serving([own]).get("/"), "418 secret");
});

Deno.test("composeApp() takes a thrown HTTPException below 500 for an answer, not for a fault", async () => {
  const app = new Hono();
  app.get("/:status", (c) => {
    const status = Number(c.req.param("status"));
    throw Object.assign(new Error("gone"), {
      status,
      getResponse: () => new Response("gone", { status }),
    });
  });
  const answered = serving([app]);
  assert.equal(await answered.get("/404"), "404 gone");
  assert.deepEqual(answered.errors, []);
  const failed = serving([app]);
  assert.equal(await failed.get("/503"), "503 gone");
  assert.equal(failed.errors.length, 2);
});

Deno.test("composeApp() makes c.set, c.get and c.var agree, and lets c.set hide a variable", async () => {
  const app = new Hono();
  app.use(async (c, next) => {
    c.set("user" as never, "ann" as never);
    c.set("requestId" as never, "own" as never);
    await next();
  });
  app.get("/", (c) => {
    const { user, requestId } = c.var as unknown as Record<string, string>;
    return c.text(`${user} ${c.get("user" as never)} ${requestId}`);
  });
  const own = Object.create(variables) as RequestVariables;
  const composed = composeApp([app], app, "document x", () => {});
  const response = await composed.fetch(new Request("http://localhost/"), own);
  assert.equal(await response.text(), "ann ann own");
});

Deno.test("composeApp() refuses what is no Hono app", () => {
  for (const wrong of [undefined, null, 5, {}, () => {}]) {
    assert.throws(() => serving([wrong]), { code: "DOCUMENT_INVALID", message: /document x/ });
  }
});

Deno.test("sealApp() keeps an app from taking routes, in every way", async () => {
  const app = new Hono<TandemEnv>();
  app.get("/", (c) => c.text("here"));
  sealApp(app);
  const other = new Hono().get("/y", (c) => c.text("y"));
  for (
    const add of [
      () => app.get("/x", (c) => c.text("x")),
      () => app.use((_, next) => next()),
      () => app.route("/sub", other),
      () => app.on("PURGE", "/x", (c) => c.text("x")),
    ]
  ) assert.throws(add, { code: "SITE_SEALED" });
  assert.equal(await (await app.request("/")).text(), "here");
});
