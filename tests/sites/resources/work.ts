/** @module */

import { type Globals, resources, type Session, type Store } from "../../../mod.ts";
import { FIRST, ids, me, note, type Own, SECOND, THREAD } from "./kit.ts";

/** What pagelets and messages have in common. */
export interface Kit {
  session: Session;
  store: Store;
  globals: Globals;
  signal: AbortSignal;
  onPostSend(fn: () => unknown): void;
}

/** Does what a test orders. */
export async function work(
  order: { do: string; name?: string },
  { session, store, globals, signal, onPostSend }: Kit,
): Promise<unknown> {
  const { name } = order;
  const gate = async (key: string) => {
    while (!await store.has(["gate", key])) await new Promise((resolve) => setTimeout(resolve, 3));
  };
  switch (order.do) {
    case "look": {
      const first = resources.resource<Own>(FIRST);
      return {
        ids: ids(),
        ...me,
        made: resources.resource<{ made: number }>(THREAD).made,
        requestId: first.requestId,
        late: session.locals.late,
        globals: isFrozenDeep(globals.get("motd")),
        threads: resources.threadCount(),
      };
    }
    case "use": {
      // The one with the higher id is made first: ids decide, not the order of use.
      resources.resource(SECOND);
      resources.resource(FIRST);
      onPostSend(async () => {
        note("post-send");
        await gate("post-send");
        // The request has not ended.
        resources.resource(SECOND);
        note("post-send over");
      });
      return "used";
    }
    case "throw":
      resources.resource(FIRST);
      throw new RangeError("the handler failed");
    case "wait for the signal":
      resources.resource(FIRST);
      note("waits");
      await new Promise((_, reject) => signal.onabort = () => reject(signal.reason));
      return "never";
    case "outlive": {
      const outlive = async () => {
        resources.resource(FIRST);
        await gate("outlive");
        try {
          resources.resource(FIRST);
          note("still there");
        } catch (error) {
          note((error as Error).name);
        }
      };
      outlive();
      return "gone";
    }
    case "together": {
      const own = resources.resource<Own>(FIRST);
      own.owner = name;
      note(`entered`);
      await gate("together");
      const again = resources.resource<Own>(FIRST);
      return { owner: again.owner, isSame: own === again, requestId: again.requestId };
    }
    case "near": {
      const own = resources.resource<{ store: Store & Disposable }>(
        resources.findId("tandem.thread"),
      );
      const close = own.store[Symbol.dispose];
      own.store[Symbol.dispose] = () => {
        note("near closed");
        Reflect.apply(close, own.store, []);
      };
      return await store.get("motd") === await store.get("motd");
    }
    case "burn": {
      note("burns");
      await new Promise((resolve) => setTimeout(resolve));
      const until = performance.now() + 3_500;
      while (performance.now() < until);
      return "burnt";
    }
    case "crash":
      setTimeout(() => {
        throw new Error("nobody catches this");
      });
      return await new Promise(() => {});
    default:
      return "nothing";
  }
}

/** Whether a value and all below it are frozen. */
export function isFrozenDeep(value: unknown): boolean {
  if (typeof value !== "object" || value === null) return value !== undefined;
  return Object.isFrozen(value) && Object.values(value).every(isFrozenDeep);
}
