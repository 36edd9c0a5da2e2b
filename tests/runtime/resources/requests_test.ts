import assert from "node:assert/strict";
import * as resources from "../../../runtime/resources/mod.ts";
import { started } from "./support.ts";

const { addRequestHooks, allocateId, freeId, resource, runRequest, wantsRequests } = resources;

interface Box {
  name: string;
  n: number;
}

/** Registers a resource of requests that logs what happens to its instances. */
function logged(log: unknown[], name: string): number {
  let n = 0;
  return allocateId<Box>(name, {
    scope: "request",
    ctor: () => {
      log.push(`+${name}`);
      return { name, n: ++n };
    },
    dtor: (box) => void log.push(`-${box.name}${box.n}`),
  });
}

/** The error that a request ends with. */
function failure(fn: () => unknown): unknown {
  try {
    runRequest({}, fn);
  } catch (error) {
    return error;
  }
}

Deno.test("runRequest() makes instances at first access and destroys them from the highest id down", async () => {
  using _ = started();
  const log: unknown[] = [];
  const ids = ["a", "b", "c"].map((name) => logged(log, name));
  await runRequest({}, async () => {
    for (const id of [ids[0]!, ids[2]!]) assert.equal(resource(id), resource(id));
    await Promise.resolve();
    resource(ids[1]!);
    log.push("end");
  });
  assert.deepEqual(log, ["+a", "+c", "+b", "end", "-c1", "-b1", "-a1"]);
});

Deno.test("runRequest() gives back at once what needs no waiting", () => {
  using _ = started({ threads: false });
  const log: unknown[] = [];
  const id = logged(log, "a");
  assert.equal(runRequest({}, () => resource<Box>(id).n), 1);
  assert.deepEqual(log, ["+a", "-a1"]);
});

Deno.test("runRequest() makes all instances first, in ascending order, when eager", () => {
  using _ = started();
  const log: unknown[] = [];
  for (const name of ["a", "b", "c"]) logged(log, name);
  freeId(2);
  runRequest({ eager: true }, () => log.push("fn"));
  assert.deepEqual(log, ["+a", "+c", "fn", "-c1", "-a1"]);
});

Deno.test("runRequest() keeps requests apart over awaits, timers, microtasks and messages", async () => {
  using _ = started();
  const id = allocateId("own", { scope: "request", ctor: () => ({ steps: [] as string[] }) });
  const go = (name: string) =>
    runRequest({}, async () => {
      const step = () => resource<{ steps: string[] }>(id).steps.push(name);
      await Promise.resolve(step());
      await new Promise<void>((resolve) => setTimeout(() => resolve(void step()), 0));
      await new Promise<void>((resolve) => queueMicrotask(() => resolve(void step())));
      const { port1, port2 } = new MessageChannel();
      await new Promise<void>((resolve) => {
        port1.onmessage = () => resolve(void step());
        port2.postMessage(1);
      });
      port1.close();
      return resource<{ steps: string[] }>(id).steps;
    });
  const steps = await Promise.all(["a", "b", "c"].map(go));
  assert.deepEqual(steps, ["a", "b", "c"].map((name) => Array(4).fill(name)));
});

Deno.test("resource() of a request throws outside of any, and after the end of its own", async () => {
  using _ = started();
  const log: unknown[] = [];
  const id = logged(log, "a");
  const unused = logged(log, "unused");
  assert.throws(() => resource(id), resources.NoRequestError);
  const late = Promise.withResolvers<void>();
  let outliving!: Promise<unknown>;
  runRequest({}, () => {
    resource(id);
    outliving = late.promise.then(() => {
      for (const each of [id, unused]) {
        assert.throws(() => resource(each), { code: "REQUEST_ENDED" });
      }
    });
  });
  late.resolve();
  await outliving;
  assert.deepEqual(log, ["+a", "-a1"]);
  assert.throws(() => resource(id), { code: "NO_REQUEST" });
});

Deno.test("a destructor of a request finds it closed", () => {
  using _ = started();
  let seen: unknown;
  const other = allocateId("other", { scope: "request" });
  const id = allocateId("a", {
    scope: "request",
    dtor: () => {
      try {
        resource(other);
      } catch (error) {
        seen = error;
      }
    },
  });
  runRequest({}, () => [resource(id), resource(other)]);
  assert.ok(seen instanceof resources.RequestEndedError);
});

Deno.test("runRequest() inside a request has instances of its own, and the outer ones come back", async () => {
  using _ = started();
  const log: unknown[] = [];
  const id = logged(log, "a");
  await runRequest({}, async () => {
    const outer = resource<Box>(id);
    await runRequest({}, async () => {
      await Promise.resolve();
      assert.notEqual(resource(id), outer);
    });
    assert.equal(resource(id), outer);
  });
  assert.deepEqual(log, ["+a", "+a", "-a2", "-a1"]);
});

Deno.test("runRequest() runs hooks in order before and in reverse after, with the instances there", async () => {
  using _ = started();
  const log: unknown[] = [];
  const id = logged(log, "a");
  const hook = (name: string) => ({
    init: (request: resources.RequestScopeInit) => void log.push(`${name}>${request.page}`),
    shutdown: () => void log.push(`${name}<${resource<Box>(id).n}`),
  });
  const off = [addRequestHooks(hook("one")), addRequestHooks(hook("two"))];
  await runRequest({ page: "/" }, async () => {
    await Promise.resolve();
    log.push("fn");
  });
  assert.deepEqual(log.splice(0), ["one>/", "two>/", "fn", "+a", "two<1", "one<1", "-a1"]);
  off[0]!();
  off[0]!();
  runRequest({ page: "/2" }, () => {});
  assert.deepEqual(log.splice(0), ["two>/2", "+a", "two<2", "-a2"]);
  off[1]!();
  runRequest({}, () => {});
  assert.deepEqual(log, []);
});

Deno.test("runRequest() waits for hooks that return promises", async () => {
  using _ = started();
  const log: unknown[] = [];
  const off = addRequestHooks({
    init: () => Promise.resolve().then(() => log.push("init")),
    shutdown: () => Promise.resolve().then(() => log.push("shutdown")),
  });
  const plain = addRequestHooks({
    init: () => log.push("init 2"),
    shutdown: () => log.push("shutdown 2"),
  });
  assert.equal(await runRequest({}, () => log.push("fn")), 3);
  assert.deepEqual(log, ["init", "init 2", "fn", "shutdown 2", "shutdown"]);
  plain();
  off();
});

Deno.test("runRequest() does not run when an init hook throws, and undoes those before it", async () => {
  using _ = started();
  const log: unknown[] = [];
  const off = [
    addRequestHooks({ init: () => void log.push("a"), shutdown: () => void log.push("-a") }),
    addRequestHooks({
      init: () => {
        throw new Error("init");
      },
      shutdown: () => void log.push("never"),
    }),
  ];
  assert.throws(() => runRequest({}, () => log.push("fn")), /^Error: init$/);
  assert.deepEqual(log.splice(0), ["a", "-a"]);
  off.push(addRequestHooks({}));
  off[1]!();
  off.push(addRequestHooks({ init: () => Promise.reject(new Error("later")) }));
  await assert.rejects(async () => await runRequest({}, () => log.push("fn")), /^Error: later$/);
  assert.deepEqual(log, ["a", "-a"]);
  for (const each of off) each();
});

Deno.test("runRequest() destroys when its function throws or rejects, and gives that error", async () => {
  using _ = started();
  const log: unknown[] = [];
  const id = logged(log, "a");
  const error = new Error("mine");
  assert.equal(
    failure(() => {
      resource(id);
      throw error;
    }),
    error,
  );
  assert.deepEqual(log.splice(0), ["+a", "-a1"]);
  const rejected = runRequest({}, async () => {
    resource(id);
    await Promise.reject(error);
  });
  await assert.rejects(rejected, (thrown) => thrown === error);
  assert.deepEqual(log, ["+a", "-a2"]);
});

Deno.test("runRequest() ends when its signal aborts, whether or not its function does", async () => {
  using _ = started();
  const log: unknown[] = [];
  const id = logged(log, "a");
  const controller = new AbortController();
  const { promise, resolve } = Promise.withResolvers<void>();
  let after!: Promise<void>;
  const running = runRequest({ signal: controller.signal }, () => {
    resource(id);
    after = promise.then(() => assert.throws(() => resource(id), resources.RequestEndedError));
    return after;
  });
  const reason = new Error("gone");
  controller.abort(reason);
  await assert.rejects(running, (thrown) => thrown === reason);
  assert.deepEqual(log, ["+a", "-a1"]);
  resolve();
  await after;
  const { signal } = controller;
  assert.throws(() => runRequest({ signal }, () => log.push("fn")), (thrown) => thrown === reason);
  assert.equal(log.length, 2);
});

Deno.test("runRequest() waits for an init hook that is under way when its signal aborts, and undoes it", async () => {
  using _ = started();
  const log: string[] = [];
  const { promise, resolve } = Promise.withResolvers<void>();
  const off = addRequestHooks({
    init: () => promise.then(() => log.push("init")),
    shutdown: () => log.push("shutdown"),
  });
  const controller = new AbortController();
  const running = runRequest({ signal: controller.signal }, () => log.push("fn"));
  controller.abort(new Error("gone"));
  resolve();
  await assert.rejects(async () => await running, /^Error: gone$/);
  assert.deepEqual(log, ["init", "shutdown"]);
  off();
});

Deno.test("runRequest() ends in time as if there were no signal when none aborts", async () => {
  using _ = started();
  const { signal } = new AbortController();
  assert.equal(await runRequest({ signal }, () => Promise.resolve(3)), 3);
  await assert.rejects(
    async () => await runRequest({ signal }, () => Promise.reject(new Error("e"))),
    /^Error: e$/,
  );
});

Deno.test("runRequest() calls every destructor and hook; what they throw is all told, the request's own error first", () => {
  using _ = started();
  const log: string[] = [];
  const fail = (name: string) => () => {
    log.push(name);
    throw new Error(name);
  };
  const ids = ["a", "b"].map((name) => allocateId(name, { scope: "request", dtor: fail(name) }));
  const off = addRequestHooks({ shutdown: fail("hook") });
  const messages = (error: unknown) => (error as AggregateError).errors.map((each) => each.message);
  const use = () => ids.forEach((id) => resource(id));
  assert.deepEqual(messages(failure(use)), ["hook", "b", "a"]);
  const reported: unknown[] = [];
  resources.setErrorHandler((error) => reported.push(error));
  const own = new Error("own");
  const thrown = failure(() => {
    use();
    throw own;
  });
  assert.equal(thrown, own);
  assert.deepEqual(reported.map(messages), [["hook", "b", "a"]]);
  assert.equal(log.length, 6);
  off();
});

Deno.test("allocateId() while a request runs gives that request an instance at first access", () => {
  using _ = started();
  const log: unknown[] = [];
  runRequest({}, () => {
    const id = logged(log, "late");
    assert.equal(resource<Box>(id).name, "late");
  });
  assert.deepEqual(log, ["+late", "-late1"]);
});

Deno.test("freeId() destroys the instances of all requests that run, once", async () => {
  using _ = started();
  const log: unknown[] = [];
  const id = logged(log, "a");
  const { promise, resolve } = Promise.withResolvers<void>();
  const running = [1, 2].map(() =>
    runRequest({}, async () => {
      resource(id);
      await promise;
      return resource(id);
    })
  );
  freeId(id);
  assert.deepEqual(log, ["+a", "+a", "-a1", "-a2"]);
  resolve();
  assert.deepEqual(await Promise.all(running), [null, null]);
  assert.equal(log.length, 4);
});

Deno.test("shutdown() ends requests that run", async () => {
  using _ = started();
  const log: unknown[] = [];
  const id = logged(log, "a");
  const { promise, resolve } = Promise.withResolvers<void>();
  const running = runRequest({}, async () => {
    resource(id);
    await promise;
    log.push("after");
  });
  resources.shutdown();
  assert.deepEqual(log, ["+a", "-a1"]);
  resolve();
  await running;
  assert.deepEqual(log, ["+a", "-a1", "after"]);
});

Deno.test("wantsRequests() is true while a resource of requests lives or there are hooks", () => {
  assert.equal(wantsRequests(), false);
  using _ = started();
  allocateId("thread");
  assert.equal(wantsRequests(), false);
  const ids = ["a", "b"].map((name) => allocateId(name, { scope: "request" }));
  for (const id of ids) {
    assert.equal(wantsRequests(), true);
    freeId(id);
  }
  assert.equal(wantsRequests(), false);
  const off = addRequestHooks({});
  assert.equal(wantsRequests(), true);
  off();
  assert.equal(wantsRequests(), false);
});

Deno.test("resource() of a thread is the same in every request", () => {
  using _ = started();
  const id = allocateId("a", { ctor: () => ({}) });
  const first = runRequest({}, () => resource(id));
  assert.equal(runRequest({}, () => resource(id)), first);
  assert.equal(resource(id), first);
});
