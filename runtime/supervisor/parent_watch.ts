/**
 * The end of a box that cannot end itself: one that computes, or waits for what never comes, while its supervisor
 * ends.
 *
 * @module
 */

/** How long a box without a supervisor may take to notice it, in milliseconds. */
const NOTICE_MS = 3000;
const LOOK_MS = 250;

/** Looks after the end of this process. */
export interface ParentWatch {
  /** The process has noticed that its parent is gone, and ends within so many milliseconds. */
  noticed(withinMs: number): void;
}

/**
 * Kills this process when its parent has ended and it does not notice that, or does not end in the time that it
 * has named. A worker looks, since the process may be busy. It has the rights of the box, since fewer would cost a
 * box without other workers a flag of Deno; it runs no code but what stands here.
 */
export function watchParent(): ParentWatch {
  const text = `(${look})(${Deno.ppid}, ${NOTICE_MS}, ${LOOK_MS})`;
  const url = new URL(`data:text/javascript,${encodeURIComponent(text)}`);
  const worker = new Worker(url, { type: "module", name: "parent-watch" });
  return { noticed: (withinMs) => worker.postMessage(withinMs) };
}

/** What the worker runs. */
function look(parent: number, noticeMs: number, lookMs: number): void {
  let longest = noticeMs;
  let lostAt: number | undefined;
  addEventListener("message", (event) => longest = (event as MessageEvent<number>).data);
  setInterval(() => {
    if (Deno.ppid === parent) return;
    lostAt ??= performance.now();
    if (performance.now() - lostAt >= longest) Deno.kill(Deno.pid, "SIGKILL");
  }, lookMs);
}
