/**
 * Resources that the documents of one site register, and a log that outlives the requests.
 *
 * @module
 */

import { type Log, resources } from "../../../mod.ts";

let log: Log | undefined;
/** Who this isolate is, in lines of the log. */
export const me = { thread: 0, type: "" };

/** A request's own. */
export interface Own {
  name: string;
  requestId: string;
  owner?: unknown;
}

/** Remembers where destructors write, and who the runtime says that this is. */
export function keep(given: Log): void {
  log = given;
  const own = resources.resource<{ threadId: number; threadType: string }>(
    resources.findId("tandem.thread"),
  );
  Object.assign(me, { thread: own.threadId, type: own.threadType });
}

/** Writes a line that says who wrote it. */
export function note(what: string): void {
  log?.info(`T ${what}`, { thread: me.thread, type: me.type });
}

const made = { thread: 0 };

/** Of each thread. */
export const THREAD = resources.allocateId("box.thread", {
  ctor: () => ({ made: ++made.thread }),
  dtor: () => note("-thread"),
});
/** Of each request, two of them to show their order. */
export const FIRST = register("first");
export const SECOND = register("second");

/** Registers a resource of request scope that tells when it goes. */
export function register(name: string): number {
  return resources.allocateId<Own>(`box.${name}`, {
    scope: "request",
    ctor: () => {
      const own = resources.resource<Own>(resources.findId("tandem.request"));
      return { name, requestId: own.requestId };
    },
    dtor: () => note(`-${name}`),
  });
}

/** Everything that a test compares between threads. */
export function ids(): Record<string, number> {
  const names = ["thread", "first", "second", "late", "late thread"];
  return Object.fromEntries(names.map((name) => [name, resources.findId(`box.${name}`)]));
}
