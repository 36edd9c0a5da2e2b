import assert from "node:assert/strict";
import type { SessionPolicy } from "../../../mod.ts";
import { ISOLATIONS, KINDS, open as openSite, POLICIES } from "./sessions_support.ts";

/** What no session can undo: only a new worker is free of it. */
const FOR_GOOD = [
  "module variable",
  "Array.prototype",
  "Object.prototype",
  "Promise",
  "property of console",
];
/** What belongs to the thread, and is put back only where a session lasts. */
const OF_THREAD = [
  "property of a thread resource",
  "entry of a Map resource",
  "value of a Set resource",
  "element of a typed array resource",
  "thread resource registered late",
];
/** What a session that is kept has until its end. */
const OF_SESSION = [
  "global of a string",
  "global of a symbol",
  "global by var",
  "hidden global",
  "replaced fetch",
  "replaced setTimeout",
  "replaced console",
  "replaced Map",
  "deleted global",
  "global made an accessor",
  "prototype of globalThis",
  "listener of message",
  "listener of custom",
  "timeout",
  "interval",
  "session.locals",
];
/** What goes with the request under every policy, HHVM's three lists of handlers among it. */
const OF_REQUEST = [
  "listener of error",
  "listener of unhandledrejection",
  "onerror",
  "onunhandledrejection",
  "request resource",
  "shutdown function",
  "post-send function",
  "cleanup function",
  "variable of the request",
  "near copy",
];

const REMAINS: Record<SessionPolicy, string[]> = {
  request: [...OF_THREAD, ...FOR_GOOD],
  restore: FOR_GOOD,
  keep: [...OF_SESSION, ...OF_THREAD, ...FOR_GOOD],
  fresh: [],
};

for (const isolation of ISOLATIONS) {
  const where = isolation === "process" ? " in a process" : "";
  const open: typeof openSite = (kind, session, pool, options) =>
    openSite(kind, session, { isolation, ...pool }, options);

  for (const kind of KINDS) {
    for (const policy of POLICIES) {
      Deno.test(
        `${kind}${where}, session "${policy}": what a request has left is seen by no other, but ${
          REMAINS[policy].length
        } things`,
        async () => {
          await using site = await open(kind, policy);
          const own = await site.ask<string[]>("stain and report");
          // Timers may have ended or not, and what runs after the handler has not run.
          const inTheSame = [...OF_REQUEST, ...OF_SESSION, ...OF_THREAD, ...FOR_GOOD].filter((
            name,
          ) =>
            !/timeout|interval| function|near/.test(name) &&
            (kind === "pagelets" || name !== "variable of the request")
          );
          assert.deepEqual(own, { code: 200, value: own.value, error: undefined });
          const seen = own.value.filter((name) => !/timeout|interval/.test(name));
          assert.deepEqual(seen.toSorted(), inTheSame.toSorted());
          // A shutdown function that stays would run again now.
          const again = await site.ask<string>("other");
          const { value, code } = await site.ask<string[]>("report");
          assert.equal(code, 200);
          assert.deepEqual(value.toSorted(), REMAINS[policy].toSorted());
          assert.equal(
            await site.ask("other").then(({ value }) => value) === again.value,
            policy !== "fresh",
          );
        },
      );
    }
  }
}
