/**
 * Ends a child process when its owner has gone, also while the child never gives way.
 *
 * Only a thread of its own can see that. It has no permissions, and needs none to end its own process.
 *
 * @module
 */

/** How often the owner is looked for, in milliseconds. */
const WATCH_MS = 500;

/** Taken before a document can put something else in their place. */
const Thread = Worker;
const SOURCE = encodeURIComponent(`const look = () => {
  if (Deno.ppid !== ${Deno.ppid}) Deno.kill(Deno.pid, "SIGKILL");
};
setInterval(look, ${WATCH_MS});`);

/** Watches from now on. */
export function watchOwner(): void {
  new Thread(
    `data:text/javascript,${SOURCE}`,
    { type: "module", name: "owner", deno: { permissions: "none" } } as WorkerOptions,
  );
}
