/**
 * The messages between the entry and a worker that do not travel over Comlink, since they are sent for
 * every request: tasks, the answers to them, and the heartbeat.
 *
 * A thread carries tasks and answers without looking into them; the pool on one side and its runner
 * on the other know what they hold.
 *
 * @module
 */

/** From the entry: tasks to be run, packed into one message. */
export interface TasksMessage {
  /** Always the same. */
  type: "TASKS";
  /** One entry a task. */
  list: unknown[];
}

/** From a worker: answers to tasks, packed into one message. */
export interface AnswersMessage {
  /** Always the same. */
  type: "ANSWERS";
  /** One entry an answer. */
  list: unknown[];
}

/** From the entry: a worker whose event loop turns answers with {@linkcode PongMessage}. */
export interface PingMessage {
  /** Always the same. */
  type: "PING";
}

/** From a worker: its event loop turns. */
export interface PongMessage {
  /** Always the same. */
  type: "PONG";
  /** Bytes that its heap uses. */
  heapBytes: number;
}

/** Answers that one message may hold. */
export const MAX_ANSWERS = 64;
