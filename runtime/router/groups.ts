/**
 * The groups that one node belongs to. Nobody else knows of them: a message to a group reaches every node, and each looks for itself.
 *
 * @module
 */

import { checkName } from "./address.ts";

/** How many groups a node may belong to. */
const MOST_GROUPS = 1024;

/** The groups of one node. */
export class Groups {
  readonly #names = new Set<string>();

  /** Joins one. */
  join(name: string): void {
    checkName("group", name);
    if (this.#names.size >= MOST_GROUPS && !this.#names.has(name)) {
      throw new RangeError(`Cannot join group "${name}": a node may be in ${MOST_GROUPS} groups`);
    }
    this.#names.add(name);
  }

  /** Leaves one. */
  leave(name: string): void {
    this.#names.delete(checkName("group", name));
  }

  /** Whether the node belongs to one. */
  has(name: string): boolean {
    return this.#names.has(name);
  }

  /** All of them, in the order of joining. */
  list(): string[] {
    return [...this.#names];
  }
}
