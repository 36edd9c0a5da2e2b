/**
 * Ends a process that has lost its parent before it knew enough to end in order.
 *
 * @module
 */

/** How often a child looks whether its parent is still the one that started it, in milliseconds. */
export const LOOK_MS = 500;

let timer: ReturnType<typeof setInterval> | undefined;

/**
 * Begins to look, as the first thing that a child does: a parent that is killed in the middle of a transfer does not always show as
 * the end of the channel, and nobody listens to that while the child's module loads.
 *
 * @param parent the process id of the parent. Another process may stand between, as a launcher of Deno does.
 */
export function watchParent(parent: number): void {
  const first = Deno.ppid;
  // The first process of the system takes over whoever has lost his parent.
  const isLost = () => Deno.ppid !== first || first === 1 && parent !== 1;
  timer = setInterval(() => {
    if (isLost()) Deno.exit(1);
  }, LOOK_MS);
  Deno.unrefTimer(timer);
}

/** Ends that: from now on the link to the parent tells. */
export function unwatchParent(): void {
  clearInterval(timer);
}
