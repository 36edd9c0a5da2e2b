/**
 * Xbox inside a worker: the same interface as in a page, over calls to the entry.
 *
 * @module
 */

import { RuntimeError } from "../errors.ts";
import type { Call } from "../thread/entry/main.ts";
import { createWorkerLog, type TaskScope } from "../thread/entry/rooms.ts";
import type { Xbox } from "../types/xbox.ts";
import { blame, readAnswer } from "./blame.ts";
import { createXbox } from "./xbox.ts";

/** Makes the client of one request or thread. */
export function createXboxClient(call: Call, scope: TaskScope): Xbox {
  return createXbox({
    enabled: scope.enabled,
    signal: scope.signal,
    thread: scope.thread,
    log: createWorkerLog(call, { requestId: scope.requestId }),
    accept: async (message, { signal: _signal, ...options }) => {
      await call("xboxAccept", scope.taskId, message, options);
    },
    unpost: async (key) => await call("xboxUnpost", scope.taskId, key) as boolean,
    submit: (message, { to, timeoutMs, priority }, posted) => {
      let queued = true;
      let over = false;
      const copy = structuredClone(message);
      const terms = { to, timeoutMs, priority };
      const started = call("xboxStart", scope.taskId, copy, terms, posted).then((told) =>
        typeof told === "number" ? told : readAnswer(told, notReached)
      );
      const answer = started.then(async (handle) => {
        queued = false;
        return readAnswer(await call("xboxAnswer", handle), notReached);
      }, (error) => {
        throw blame(error, { side: "sender", mayHaveRun: false });
      }).finally(() => over = true);
      const tell = (name: string, ...args: unknown[]) => {
        if (!over) started.then((handle) => call(name, handle, ...args)).catch(answerSaysIt);
      };
      const givenUp = Promise.withResolvers<never>();
      return {
        state: () => queued ? "queued" : "running",
        answer,
        // Until a post is accepted, the entry has no handle by which it could be cancelled.
        accepted: posted ? Promise.race([started, givenUp.promise]) : started,
        cancel: (reason) => {
          const words = reason instanceof Error ? reason.message : String(reason ?? "");
          if (posted) givenUp.reject(cancelled(words));
          tell("xboxCancel", words);
        },
        wait: () => tell("xboxWait"),
      };
    },
  });
}

function cancelled(why: string): RuntimeError {
  const text = `Cannot finish an xbox message: ${why || "it was cancelled"}`;
  return blame(new RuntimeError("CANCELLED", text), { side: "sender", mayHaveRun: true });
}

/** What keeps a message from being told keeps it from answering as well. */
function answerSaysIt(): void {}

/** The entry answers with nothing else. */
function notReached(): never {
  throw new TypeError("Cannot read the answer to a message: the entry sent something else");
}
