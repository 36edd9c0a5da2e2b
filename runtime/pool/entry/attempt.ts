/**
 * Lets a restore go on when one of its steps fails.
 *
 * @module
 */

/** Runs a step; when it throws, its name joins those of what could not be put back. */
export function attempt(stuck: string[], name: string, step: () => void): void {
  try {
    step();
  } catch {
    stuck.push(name);
  }
}
