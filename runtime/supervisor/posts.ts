/**
 * Looking after durable messages from the supervisor. It opens no store of its own, so it asks a box that serves.
 *
 * @module
 */

import { type ErrorRecord, fromErrorRecord, RuntimeError, toErrorRecord } from "../errors.ts";
import type { DeadLetter, PostsAdmin } from "../types/posts.ts";

/** What a box is asked. */
export type PostsQuestion =
  | { what: "count" }
  | { what: "dead"; limit: number; after?: string }
  | { what: "retry" | "clear"; ids: string[] | "all" };

/** What it answers: something that can be written as JSON, or why it cannot. */
export type PostsAnswer = { value: unknown } | { failure: ErrorRecord };

/** A dead letter for people. */
export interface LetterText extends Omit<DeadLetter, "error" | "message"> {
  /** What went wrong, with the class of its error. */
  error: string;
  /** The beginning of the message, as a program would write it; only its size if it is large. */
  message: string;
}

/** Most dead letters that a box tells of at once. */
export const MOST_LETTERS = 100;
const MOST_TEXT = 300;
/** A message that takes more is not read to be shown: a hundred large ones are too much at once. */
const MOST_SHOWN_BYTES = 64 * 1024;
const LONGEST_MS = 10_000;
/** All letters there are may take long to change. */
const LONGEST_CHANGE_MS = 600_000;
const MOST_WAITING = 64;

/** Answers in a box. */
export async function answerPosts(
  posts: PostsAdmin | undefined,
  question: PostsQuestion,
): Promise<PostsAnswer> {
  try {
    if (posts === undefined) {
      throw new RuntimeError("DISABLED", "Cannot look after durable messages: the box has none");
    }
    return { value: await ask(posts, question) };
  } catch (error) {
    return { failure: toErrorRecord(error) };
  }
}

function ask(posts: PostsAdmin, question: PostsQuestion): Promise<unknown> {
  switch (question.what) {
    case "count":
      return posts.count();
    case "dead":
      return posts.dead({ ...question, maxBytes: MOST_SHOWN_BYTES })
        .then((letters) => letters.map(toText));
    case "retry":
      return posts.retry(question.ids);
    case "clear":
      return posts.clear(question.ids);
  }
}

function toText({ error, message, ...rest }: DeadLetter): LetterText {
  return {
    ...rest,
    to: rest.to?.slice(0, MOST_TEXT),
    error: `${error.name}: ${error.message}`.slice(0, MOST_TEXT),
    message: rest.bytes > MOST_SHOWN_BYTES
      ? `${rest.bytes} bytes`
      : Deno.inspect(message, { depth: 4, breakLength: Infinity }).slice(0, MOST_TEXT),
  };
}

interface Waiting {
  box: number;
  answer: PromiseWithResolvers<unknown>;
  timer: ReturnType<typeof setTimeout>;
}

/** Asks boxes, and waits for their answers. */
export class PostsDesk {
  readonly #send: (box: number, id: number, question: PostsQuestion) => void;
  readonly #waiting = new Map<number, Waiting>();
  #lastId = 0;

  /** Sends to a box with `send`, which must not throw. */
  constructor(send: (box: number, id: number, question: PostsQuestion) => void) {
    this.#send = send;
  }

  /**
   * Asks a box.
   *
   * @throws {RuntimeError} `UNREACHABLE_PEER` if it ends or says nothing for ten seconds, or ten minutes if it changes something, `QUEUE_FULL` if too much is asked at once, or what the box says.
   */
  ask(box: number, question: PostsQuestion): Promise<unknown> {
    if (this.#waiting.size >= MOST_WAITING) {
      const cannot = `Cannot ask a box: ${MOST_WAITING} questions wait for their answer`;
      return Promise.reject(new RuntimeError("QUEUE_FULL", cannot));
    }
    const id = ++this.#lastId;
    const answer = Promise.withResolvers<unknown>();
    const changes = question.what === "retry" || question.what === "clear";
    const longestMs = changes ? LONGEST_CHANGE_MS : LONGEST_MS;
    const timer = setTimeout(
      () => this.#fail(id, `it has said nothing for ${longestMs} ms`),
      longestMs,
    );
    this.#waiting.set(id, { box, answer, timer });
    this.#send(box, id, question);
    return answer.promise;
  }

  /** Takes what a box answers; says whether it was asked. */
  hear(box: number, id: number, answer: PostsAnswer): boolean {
    const waiting = this.#waiting.get(id);
    // Its time may have been over.
    if (waiting === undefined) return id <= this.#lastId;
    if (waiting.box !== box) return false;
    this.#take(id);
    if ("failure" in answer) waiting.answer.reject(fromErrorRecord(answer.failure));
    else waiting.answer.resolve(answer.value);
    return true;
  }

  /** A box has ended; nothing: all have. */
  forget(box?: number): void {
    for (const [id, waiting] of this.#waiting) {
      if (box === undefined || waiting.box === box) this.#fail(id, "it has ended");
    }
  }

  #fail(id: number, why: string): void {
    this.#take(id)?.answer.reject(
      new RuntimeError("UNREACHABLE_PEER", `Cannot ask a box for durable messages: ${why}`),
    );
  }

  #take(id: number): Waiting | undefined {
    const waiting = this.#waiting.get(id);
    clearTimeout(waiting?.timer);
    this.#waiting.delete(id);
    return waiting;
  }
}
