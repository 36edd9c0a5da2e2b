/**
 * Sets the keys that its own URL names, `?set=end&set=fail`, and opens the gate of the thread.
 *
 * @module
 */

const keys = new URL(import.meta.url).searchParams.getAll("set");

export default [[["gate", "thread"], true], ...keys.map((key) => [key, true])];
