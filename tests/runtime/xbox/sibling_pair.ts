/**
 * Boxes that speak to each other in one isolate, over ports that a test can hold, cut or forge.
 *
 * @module
 */

import { setImmediate } from "node:timers";
import type { Log } from "../../../mod.ts";
import type { Arrived, Carried, Receive } from "../../../runtime/xbox/carrier.ts";
import { type SiblingBox, Siblings } from "../../../runtime/xbox/siblings.ts";

/** A message that has arrived at a box, and waits for what the test does with it. */
export interface Waiting extends Arrived {
  answer(value: unknown): void;
  fail(error: Error): void;
  accept(): void;
  cancelled: unknown[];
}

/** One box. */
export interface Box {
  siblings: Siblings;
  pid: number;
  /** What has arrived and was not answered by `handle`. */
  waiting: Waiting[];
  /** Frames that left it, as they were. */
  frames: { to: number; frame: Uint8Array<ArrayBuffer> }[];
  /** Lines of its log. */
  lines: string[];
  /** Keeps what it sends, if this is set. */
  holds: boolean;
  /** Refuses what it is to send, if this is set. */
  refuses: boolean;
}

/** How messages are handled: the value, or `undefined` to let them wait. */
export type Handle = (arrived: Arrived) => { value: unknown } | undefined;

/** Makes so many boxes of one machine, all serving, with pids from 101. */
export function machine(count: number, handle: Handle = ({ message }) => ({ value: message })) {
  const boxes: Box[] = [];
  const list: SiblingBox[] = [];
  for (let index = 1; index <= count; index++) {
    list.push({ alias: `box-${index}`, pid: 100 + index, serving: true });
  }
  for (const { pid } of list) {
    const box: Box = {
      ...{ pid, waiting: [], frames: [], lines: [], holds: false, refuses: false },
      siblings: undefined as unknown as Siblings,
    };
    box.siblings = new Siblings({
      port: {
        pid,
        send(to, frame) {
          if (box.refuses) throw new Error("the link is full");
          box.frames.push({ to, frame });
          if (!box.holds) deliver(pid, to, frame);
        },
      },
      log: listTo(box.lines),
      receive: receiver(box, handle),
    });
    boxes.push(box);
  }
  let onWay = 0;
  function deliver(from: number, to: number, frame: Uint8Array<ArrayBuffer>): void {
    onWay++;
    setImmediate(() => {
      onWay--;
      boxes.find(({ pid }) => pid === to)?.siblings.receive(from, frame);
    });
  }
  // What boxes wait for keeps no process alive; the test is to see it.
  const alive = setInterval(() => {}, 1000);
  for (const { siblings } of boxes) siblings.update(list);
  return {
    boxes,
    list,
    /** Sends on what a box has kept. */
    release(box: Box): void {
      box.holds = false;
      for (const { to, frame } of box.frames.splice(0)) deliver(box.pid, to, frame);
    },
    async [Symbol.asyncDispose](): Promise<void> {
      for (const { siblings } of boxes) siblings.close("the test is over");
      await new Promise((resolve) => setImmediate(resolve));
      await until("nothing is on its way", () => onWay === 0);
      clearInterval(alive);
    },
  };
}

function receiver(box: Box, handle: Handle): Receive {
  return (arrived): Carried => {
    const done = handle(arrived);
    const answer = Promise.withResolvers<unknown>();
    const accepted = Promise.withResolvers<unknown>();
    for (const { promise } of [answer, accepted]) promise.catch(() => {});
    const cancelled: unknown[] = [];
    if (done !== undefined) {
      accepted.resolve(undefined);
      answer.resolve(done.value);
    } else {
      box.waiting.push({
        ...arrived,
        answer: answer.resolve,
        fail: (error) => {
          accepted.reject(error);
          answer.reject(error);
        },
        accept: () => accepted.resolve(undefined),
        cancelled,
      });
    }
    return {
      answer: answer.promise,
      accepted: accepted.promise,
      state: () => "running",
      cancel: (reason) => void cancelled.push(reason),
      wait() {},
    };
  };
}

function listTo(lines: string[]): Log {
  const write = (message: string, fields?: Record<string, unknown>) =>
    void lines.push(`${message} ${JSON.stringify(fields)}`);
  return { debug: write, info: write, warn: write, error: write };
}

/** Waits until something holds; fails after ten seconds. */
export async function until(what: string, holds: () => boolean): Promise<void> {
  const end = performance.now() + 10_000;
  while (!holds()) {
    if (performance.now() > end) throw new Error(`Waited in vain: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
}
