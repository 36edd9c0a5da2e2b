/**
 * Posts many durable messages at boxes under a supervisor, kills a box now and then, and waits until all are handled.
 *
 * @module
 */

import assert from "node:assert/strict";
import { killProcess, type Machine, startMachine } from "./machine.ts";

/** Messages of one request. */
const TOGETHER = 25;
/** A box is killed so often, but none before the supervisor starts its successor at once. */
const EVERY_MS = 1000;
const SOUND_MS = 2200;
const LONGEST_MS = 110_000;
const SITE = new URL("../sites/posts/site.ts", import.meta.url).href;

interface Figures {
  waiting: number;
  delayed: number;
  running: number;
  dead: number;
}

/** Posts some messages; again when the box is killed meanwhile, which their keys make harmless. */
async function post(machine: Machine, from: number, poisoned: number): Promise<number> {
  const url = `${machine.url}post?from=${from}&count=${TOGETHER}&poisoned=${poisoned}`;
  for (let attempt = 1;; attempt++) {
    try {
      const response = await fetch(url, { method: "POST" });
      const text = await response.text();
      if (response.ok) return attempt - 1;
      assert.ok(attempt < 100, `${response.status} ${text}`);
    } catch (error) {
      if (attempt === 100 || error instanceof assert.AssertionError) throw error;
    }
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** Asks until a box answers. */
async function ask<T>(url: string): Promise<T> {
  for (let attempt = 1;; attempt++) {
    try {
      const response = await fetch(url);
      const text = await response.text();
      if (response.ok) return JSON.parse(text) as T;
      assert.ok(attempt < 200, text);
    } catch (error) {
      if (attempt === 200 || error instanceof assert.AssertionError) throw error;
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

/**
 * Posts so many messages, of which the first `poisoned` always fail, and asserts that each of the others had its effect once
 * and that those are the dead letters.
 */
export async function postWhileBoxesDie(
  { posts, poisoned }: { posts: number; poisoned: number },
): Promise<{ kills: number; busyKills: number }> {
  await using machine = await startMachine({ site: SITE });
  const began = performance.now();
  let isOver = false;
  /** Whether only the poisoned ones are left. */
  let isIdle = false;
  let kills = 0;
  let busyKills = 0;
  const servesSince = new Map<number, number>();
  let killedAt = -Infinity;
  let posted = 0;
  const sound = Promise.withResolvers<void>();
  const killing = (async () => {
    while (!isOver) {
      const { boxes } = await machine.status();
      const now = performance.now();
      for (const { pid, state } of boxes) {
        if (state === "serving" && !servesSince.has(pid)) servesSince.set(pid, now);
      }
      const oldest = boxes.find(({ pid }) => now - (servesSince.get(pid) ?? now) > SOUND_MS);
      if (oldest !== undefined) sound.resolve();
      if (oldest !== undefined && posted > 0 && now - killedAt >= EVERY_MS) {
        killProcess(oldest.pid);
        servesSince.delete(oldest.pid);
        killedAt = now;
        kills++;
        if (!isIdle) busyKills++;
      }
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  })();
  let again = 0;
  try {
    // What is posted before a box may be killed is no test of anything.
    await sound.promise;
    await Promise.all(Array.from({ length: 8 }, async () => {
      while (posted < posts) {
        const from = posted;
        posted += TOGETHER;
        again += await post(machine, from, poisoned);
      }
    }));
    let figures: Figures;
    do {
      assert.ok(performance.now() - began < LONGEST_MS, "messages are left");
      await new Promise((resolve) => setTimeout(resolve, 500));
      figures = await ask<Figures>(`${machine.admin}posts`);
      isIdle = figures.waiting + figures.delayed + figures.running <= poisoned;
    } while (figures.waiting + figures.delayed + figures.running > 0);
  } finally {
    isOver = true;
    await killing;
  }
  const effects = await ask<{ count: number; twice: number }>(`${machine.url}effects`);
  const dead = await ask<{ key: string }[]>(`${machine.admin}posts/dead`);
  console.log(JSON.stringify({
    ...{ posted, kills, busyKills, again, twice: effects.twice, dead: dead.length },
    ms: Math.round(performance.now() - began),
  }));
  assert.equal(effects.count, posted - poisoned);
  assert.deepEqual(
    dead.map(({ key }) => key).toSorted(),
    Array.from({ length: poisoned }, (_, n) => `post-${n}`),
  );
  return { kills, busyKills };
}
