import assert from "node:assert/strict";
import { tempDir } from "../../support/temp_dir.ts";
import { until } from "../http/support.ts";
import { ISOLATIONS, KINDS, type Look, open as openSite, POLICIES } from "./sessions_support.ts";

for (const isolation of ISOLATIONS) {
  const where = isolation === "process" ? " in a process" : "";
  const open: typeof openSite = (kind, session, pool, options) =>
    openSite(kind, session, { isolation, ...pool }, options);

  for (const kind of KINDS) {
    for (const policy of POLICIES) {
      const spans = policy === "restore" || policy === "keep";
      const fresh = policy === "fresh";
      const test = (what: string, fn: () => Promise<void>) =>
        Deno.test(`${kind}${where}, session "${policy}": ${what}`, fn);

      test("request init is evaluated once, and its function called for each session", async () => {
        await using site = await open(kind, policy);
        const looks = [await site.look(), await site.look(), await site.look()];
        const [first] = looks;
        const start = ["init evaluated", "main evaluated", "function", "handler"];
        assert.deepEqual(first!.events, start);
        looks.slice(1).forEach((look, index) => {
          const n = index + 2;
          assert.equal(look.worker === first!.worker, !fresh);
          assert.deepEqual(
            look.events,
            fresh ? start : spans ? ["handler"] : ["function", "handler"],
          );
          assert.deepEqual(look.locals, { init: { calls: policy === "request" ? n : 1 } });
          assert.equal(look.requests, spans ? n : 1);
          assert.equal(look.id === first!.id, spans);
        });
      });

      test("a request whose init throws is answered with 500 and not run", async () => {
        await using site = await open(kind, policy);
        const before = await site.look();
        await site.set("init", "throws");
        // A session that spans requests is open already, and lasts until something fails.
        if (spans) assert.equal((await site.ask("throw")).code, 500);
        const failed = await site.ask("look");
        assert.deepEqual([failed.code, failed.error], [500, "INIT_FAILED"]);
        assert.deepEqual(site.trace(), ["init cleanup"]);
        const again = await site.ask("look");
        assert.deepEqual([again.code, again.error], [500, "INIT_FAILED"]);
        await site.set("init", "well");
        const { worker, events, calls } = await site.look();
        if (policy === "request") {
          assert.equal(worker, before.worker);
          assert.deepEqual(events, ["function", "function", "function", "handler"]);
        } else {
          assert.deepEqual(events, ["init evaluated", "main evaluated", "function", "handler"]);
          assert.equal(calls, 1);
        }
      });

      for (const way of ["Deno.exit", "self.close"]) {
        test(`a request whose init ends the worker by ${way} is answered with 404`, async () => {
          await using site = await open(kind, policy);
          await site.set("init", way);
          for (let times = 0; times < 2; times++) {
            const left = await site.ask("look");
            assert.deepEqual([left.code, left.error], [404, "INIT_EXITED"]);
          }
          await site.set("init", "well");
          const start = ["init evaluated", "main evaluated", "function", "handler"];
          assert.deepEqual((await site.look()).events, start);
        });
      }

      test("a request that finds no init document is answered with 404", async () => {
        await using dir = await tempDir();
        const document = `file://${dir.path}/init.ts`;
        await Deno.writeTextFile(`${dir.path}/init.ts`, "export function initRequest() {}");
        const requestInit = { document, function: "initRequest" };
        await using site = await open(kind, policy, { maxRequests: 2 }, { requestInit });
        // The worker that is there has the document, and so may have the one that takes its place.
        const { worker } = await site.look();
        await Deno.remove(`${dir.path}/init.ts`);
        const looks = [await site.ask<Look>("look")];
        await until(async () => {
          looks.push(await site.ask<Look>("look"));
          return looks.at(-1)!.code !== 200;
        });
        assert.deepEqual([looks.at(-1)!.code, looks.at(-1)!.error], [404, "INIT_NOT_FOUND"]);
        assert.ok(looks.length <= 5, `${looks.length} requests`);
        if (!fresh) assert.equal(looks[0]!.value.worker, worker);
      });

      test("what init registers for after the handler runs after every request, and first", async () => {
        await using site = await open(kind, policy);
        await site.set("init", "phases");
        const all: string[] = [];
        for (const fails of [false, true, false]) {
          const { code } = await site.ask({ do: "phases", fails });
          assert.equal(code, fails ? 500 : 200);
          all.push("handler", "init shutdown", "own shutdown");
          all.push("init post-send", "own post-send", "init cleanup", "own cleanup");
          await until(
            () => site.trace().length === all.length,
            `${all.length} lines of ${site.trace()}`,
          );
          assert.deepEqual(site.trace(), all);
        }
      });

      test("a shutdown function that throws takes the answer's place and ends the list", async () => {
        for (const fails of [false, true]) {
          await using site = await open(kind, policy);
          const { code } = await site.ask({ do: "shutdown fails", fails });
          assert.equal(code, 500);
          await site.site.logged("T cleanup");
          assert.deepEqual(site.trace(), ["first", "post-send", "cleanup"]);
          const name = kind === "xbox" ? undefined : "A handler failed";
          const line = site.site.log.lines.find(({ message }) => message === name);
          if (name !== undefined) assert.equal(line!.fields.why, "shutdown failed");
        }
      });

      test("the answer waits for no post-send function, whose error is only logged", async () => {
        await using site = await open(kind, policy);
        assert.equal((await site.ask("post-send waits")).code, 200);
        await site.site.logged("T post-send waits");
        assert.deepEqual(site.trace(), ["post-send waits"]);
        assert.equal(site.pool().busy, 1);
        await site.open("post-send");
        await site.site.logged("T cleanup");
        assert.deepEqual(site.trace(), ["post-send waits", "post-send over", "cleanup"]);
        await site.site.logged("Work after the response failed");
        await site.site.quiet();
        // It was no failure of the request.
        if (!fresh) {
          assert.equal(site.pool().crew.filter(({ state }) => state === "idle").length, 1);
        }
      });

      test("each worker serves exactly maxRequests requests", async () => {
        await using site = await open(kind, policy, { maxRequests: 3 });
        const workers: string[] = [];
        for (let times = 0; times < 9; times++) workers.push((await site.look()).worker);
        const [a, , , b, , , c] = workers;
        assert.equal(new Set(workers).size, fresh ? 9 : 3);
        if (!fresh) assert.deepEqual(workers, [a, a, a, b, b, b, c, c, c]);
      });

      test("a worker whose request has failed is replaced where the session spans requests", async () => {
        await using site = await open(kind, policy);
        const failures = ["throw", "unclonable"];
        for (const failure of failures) {
          const { worker } = await site.look();
          assert.equal((await site.ask(failure)).code, 500);
          const next = await site.look();
          assert.equal(next.worker === worker, policy === "request", failure);
          assert.equal(next.poisoned, policy === "request", failure);
        }
        for (const fails of [false, true]) {
          const { worker } = await site.look();
          assert.equal((await site.ask({ do: "shutdown fails", fails })).code, 500);
          assert.equal((await site.look()).worker === worker, policy === "request");
        }
        const unclonable = await site.ask({ do: "unclonable", phases: true });
        assert.equal(unclonable.code, 500);
        await site.site.logged("T post-send");
        assert.equal((await site.look()).poisoned, policy === "request");
        assert.deepEqual(site.pool().ends.filter(({ reason }) => reason !== "closed"), []);
      });

      test("a worker is replaced only when its next request comes", async () => {
        await using site = await open(kind, policy, { heartbeatMs: 200 });
        const { worker } = await site.look();
        const [old] = site.pool().crew;
        assert.equal((await site.ask("throw")).code, 500);
        await site.site.quiet();
        const find = () => site.pool().crew.find(({ id }) => id === old!.id);
        if (!fresh) {
          // The pool has looked after it while it was idle.
          await until(() => find()?.heapBytes !== undefined);
          if (spans) await until(() => site.pool().workers === 2);
          assert.equal(find()?.state, spans ? "leaving" : "idle");
        }
        assert.equal((await site.look()).worker === worker, policy === "request");
        if (policy === "request") assert.equal(find()?.state, "idle");
        else await until(() => find() === undefined);
      });

      test("tasks that were sent ahead are not run by a worker that is to be replaced", async () => {
        await using site = await open(kind, policy);
        // Quick ones are sent ahead once they are known to be quick.
        for (let times = 0; times < 40; times++) await site.ask("other");
        const seen = await site.site.run(async (variables) => {
          const { askIn } = await import("./sessions_support.ts");
          const orders = Array.from({ length: 12 }, (_, n) => n === 3 ? "throw" : "look");
          return await Promise.all(orders.map((order) => askIn<Look>(variables, kind, order)));
        });
        assert.deepEqual(seen.map(({ code }) => code), seen.map((_, n) => n === 3 ? 500 : 200));
        const poisoned = seen.filter(({ value }) => (value as Look | undefined)?.poisoned === true);
        if (policy === "request") assert.ok(poisoned.length > 0, "none was sent ahead");
        else assert.equal(poisoned.length, 0);
      });

      test("a worker on which something is left for good is replaced", async () => {
        await using site = await open(kind, policy);
        await site.ask("stuck");
        const { poisoned } = await site.look();
        assert.equal(poisoned, policy === "keep");
      });
    }

    Deno.test(`${kind}${where}: a worker is replaced when its first request was longer ago than maxAgeMs`, async () => {
      for (const policy of POLICIES.slice(0, 3)) {
        await using site = await open(kind, policy, { maxAgeMs: 60 });
        // The time before the first request does not count.
        for (let turns = 0; turns < 8; turns++) {
          await new Promise((resolve) => setTimeout(resolve, 10));
        }
        const { worker } = await site.look();
        const since = performance.now();
        const next = await site.look();
        if (performance.now() - since < 50) assert.equal(next.worker, worker);
        await until(() => performance.now() - since > 62);
        assert.notEqual((await site.look()).worker, worker);
      }
    });

    Deno.test(`${kind}${where}: a worker that is idle past maxAgeMs goes once its successor is ready`, async () => {
      await using site = await open(kind, "restore", { maxAgeMs: 20 });
      const [first] = site.pool().crew;
      await site.look();
      await until(() => site.pool().crew.every(({ id }) => id !== first!.id));
      assert.equal(site.pool().workers, 1);
      await until(() => site.pool().ends.length > 0);
      assert.equal(site.pool().ends[0]!.reason, "closed");
    });
  }

  Deno.test(`pagelets: answers of 400, 401 and 404 replace no worker, nor does a 500 that was meant${where}`, async () => {
    for (const policy of ["restore", "keep"] as const) {
      await using site = await open("pagelets", policy);
      const { worker } = await site.look();
      for (const status of [400, 401, 404]) {
        for (const thrown of ["yes", "no"]) {
          assert.equal((await site.ask({ do: "status", status, thrown })).code, status);
          assert.equal((await site.look()).worker, worker);
        }
      }
      assert.equal((await site.ask({ do: "status", status: 500, thrown: "no" })).code, 500);
      assert.equal((await site.look()).worker, worker);
      assert.equal((await site.ask({ do: "status", status: 500, thrown: "yes" })).code, 500);
      assert.notEqual((await site.look()).worker, worker);
    }
  });

  Deno.test(`Xbox.scheduleReset() replaces the worker before its next message${where}`, async () => {
    for (const policy of POLICIES) {
      await using site = await open("xbox", policy);
      const { worker } = await site.look();
      const { code, value } = await site.ask("reset");
      assert.deepEqual([code, value === worker], [200, policy !== "fresh"]);
      const next = await site.look();
      assert.deepEqual([next.worker === worker, next.poisoned], [false, false]);
    }
  });

  Deno.test(`a message whose value is a symbol fails alone, and ends no worker${where}`, async () => {
    await using site = await open("xbox", "request");
    const { worker } = await site.look();
    const done = await Promise.all(["look", "symbol", "look"].map((order) => site.ask(order)));
    assert.deepEqual(done.map(({ code }) => code), [200, 500, 200]);
    assert.equal((await site.look()).worker, worker);
  });

  Deno.test(`Xbox.scheduleReset() throws anywhere but in the xbox document${where}`, async () => {
    await using site = await open("pagelets", "restore");
    await site.site.run(({ xbox }) => assert.throws(() => xbox.scheduleReset(), TypeError));
    const { worker } = await site.look();
    const { code } = await site.ask("reset");
    assert.equal(code, 500);
    assert.match(String(site.site.log.lines.at(-1)!.fields.why), /reset/i);
    assert.notEqual((await site.look()).worker, worker);
  });

  Deno.test(`Requests that open their sessions at once do not excuse each other's exits${where}`, async () => {
    await using site = await open("pagelets", "request", { concurrency: 4 });
    await site.set("init", "waits");
    const waiting = site.ask("look");
    await site.site.logged("waits");
    await site.set("init", "well");
    assert.equal((await site.ask("other")).code, 200);
    await site.set("init", "Deno.exit");
    const left = await site.ask("look");
    assert.deepEqual([left.code, left.error], [404, "INIT_EXITED"]);
    assert.deepEqual([(await waiting).code], [404]);
  });
}
