/**
 * Xbox inside a worker: the same interface as in a page, over calls to the entry.
 *
 * @module
 */

import type { Call } from "../thread/entry/main.ts";
import { createWorkerLog, type TaskScope } from "../thread/entry/rooms.ts";
import type { Xbox } from "../types/xbox.ts";
import { createXbox } from "./xbox.ts";

/** Makes the client of one request or thread. */
export function createXboxClient(call: Call, scope: TaskScope): Xbox {
  return createXbox({
    enabled: scope.enabled,
    signal: scope.signal,
    scheduleReset: scope.scheduleReset,
    log: createWorkerLog(call, { requestId: scope.requestId }),
    submit: (message, { timeoutMs, priority }, posted) => {
      let queued = true;
      let over = false;
      const started = call("xboxStart", scope.taskId, message, { timeoutMs, priority }, posted);
      const answer = started.then((handle) => {
        queued = false;
        return call("xboxAnswer", handle);
      }).finally(() => over = true);
      const tell = (name: string, ...args: unknown[]) => {
        if (!over) started.then((handle) => call(name, handle, ...args)).catch(answerSaysIt);
      };
      return {
        state: () => queued ? "queued" : "running",
        answer,
        accepted: started,
        cancel: (reason) =>
          tell("xboxCancel", reason instanceof Error ? reason.message : String(reason ?? "")),
        wait: () => tell("xboxWait"),
      };
    },
  });
}

/** What keeps a message from being told keeps it from answering as well. */
function answerSaysIt(): void {}
