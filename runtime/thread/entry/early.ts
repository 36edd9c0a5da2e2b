/**
 * What a worker can do from the first moment, before the site's documents are loaded: say goodbye when
 * it ends itself, since nothing outside tells; answer the heartbeat, also while a document waits for
 * something at its top level; and take tasks past Comlink.
 *
 * @module
 */

import type { AnswersMessage, PingMessage, PongMessage, TasksMessage } from "../channel.ts";

/** Takes the tasks that the entry has sent. */
export type TakeTasks = (list: unknown[]) => void;

const scope = globalThis as unknown as Worker & { close(): void };
const { exit, memoryUsage } = Deno;
const close = scope.close.bind(scope);
const post = scope.postMessage.bind(scope);
let takeTasks: TakeTasks | undefined;
let sayRest = () => {};
/** Sessions that are being opened. */
let opening = 0;

scope.addEventListener("message", (event) => {
  const message = (event as MessageEvent<TasksMessage | PingMessage | null>).data;
  if (message?.type === "TASKS") {
    // Nobody else has a use for it, and each listener costs.
    event.stopImmediatePropagation();
    takeTasks?.(message.list);
  } else if (message?.type === "PING") {
    event.stopImmediatePropagation();
    post({ type: "PONG", heapBytes: memoryUsage().heapUsed } satisfies PongMessage);
  }
});

scope.close = () => {
  sayGoodbye(0);
  close();
};
Object.defineProperty(Deno, "exit", {
  configurable: true,
  value: (code = 0) => {
    sayGoodbye(code);
    return exit(code);
  },
});

/** Hands every task that comes from now on to `take`; calls `last` before the worker ends itself. */
export function onTasks(take: TakeTasks, last: () => void = () => {}): void {
  takeTasks = take;
  sayRest = last;
}

/** Sends answers; throws when one of them cannot be cloned, and then sends none. */
export function postAnswers(list: unknown[], transfer: Transferable[]): void {
  post({ type: "ANSWERS", list } satisfies AnswersMessage, transfer);
}

/** Says that a session is being opened, in which an exit is no fault, or that this is over. */
export function setOpening(value: boolean): void {
  opening += value ? 1 : -1;
}

/** Calls the entry's service `goodbye` without Comlink; there is no time for an answer. */
function sayGoodbye(code: unknown): void {
  sayRest();
  const argumentList = [{ type: "RAW", value: Number(code) || 0 }, {
    type: "RAW",
    value: opening > 0,
  }];
  post({ id: crypto.randomUUID(), type: "APPLY", path: ["goodbye"], argumentList });
}
