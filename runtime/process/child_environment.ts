/**
 * The variables that a child process starts with.
 *
 * @module
 */

/** What Deno itself needs to find its program and its cache. */
const NEEDED = ["PATH", "HOME", "DENO_DIR", "XDG_CACHE_HOME", "TMPDIR"];

/**
 * Picks what a child needs of this process's variables, as far as this one may read them.
 *
 * @param more What the child may read besides: `true` for all.
 */
export function childEnvironment(more: true | readonly string[]): Record<string, string> {
  if (more === true && mayRead()) return Deno.env.toObject();
  const found: Record<string, string> = {};
  for (const variable of [...NEEDED, ...more === true ? [] : more]) {
    if (!mayRead(variable)) continue;
    const value = Deno.env.get(variable);
    if (value !== undefined) found[variable] = value;
  }
  return found;
}

function mayRead(variable?: string): boolean {
  return Deno.permissions.querySync({ name: "env", variable }).state === "granted";
}
