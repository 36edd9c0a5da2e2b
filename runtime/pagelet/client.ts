/**
 * Pagelets inside a worker: the same interface as in a page, over calls to the entry.
 *
 * @module
 */

import type { Call } from "../thread/entry/main.ts";
import type { TaskScope } from "../thread/entry/rooms.ts";
import type { Pagelets } from "../types/pagelet.ts";
import { createPagelets } from "./pagelets.ts";
import type { PageletSource } from "./task.ts";
import type { PageletAnswer, PreparedRequest } from "./wire.ts";

/** Makes the client of one request. */
export function createPageletClient(call: Call, scope: TaskScope): Pagelets {
  return createPagelets({
    enabled: scope.enabled,
    requestId: scope.requestId,
    signal: scope.signal,
    submit: ({ head, body }, requestId, { timeoutMs, priority }) => {
      let queued = true;
      const started = readWhole(body).then((bytes) =>
        call("pageletStart", scope.taskId, { ...head, requestId, body: bytes }, {
          timeoutMs,
          priority,
        })
      );
      const answer = started.then((handle) => {
        queued = false;
        return call("pageletAnswer", handle) as Promise<PageletAnswer>;
      });
      const tell = (name: string, ...args: unknown[]) => {
        started.then((handle) => call(name, handle, ...args)).catch(answerSaysIt);
      };
      return {
        state: () => queued ? "queued" : "running",
        answer,
        cancel: (reason) =>
          tell("pageletCancel", reason instanceof Error ? reason.message : String(reason ?? "")),
        wait: () => tell("pageletWait"),
      } satisfies PageletSource;
    },
  });
}

/** The entry takes no streams from a worker. */
async function readWhole(body: PreparedRequest["body"]): Promise<string | Uint8Array | null> {
  return body instanceof ReadableStream ? await new Response(body).bytes() : await body;
}

/** What keeps a pagelet from being told keeps it from answering as well. */
function answerSaysIt(): void {}
