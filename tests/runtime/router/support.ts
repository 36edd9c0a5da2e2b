/**
 * Trees of nodes inside one isolate, and what is needed to look at them.
 *
 * @module
 */

import { drawIdentity } from "../../../runtime/router/address.ts";
import { TreeNode } from "../../../runtime/router/executor.ts";
import type { Link } from "../../../runtime/router/link.ts";
import { resolveTreeOptions, type TreeOptions } from "../../../runtime/router/options.ts";
import { linkPair } from "../../../runtime/router/port_link.ts";
import type { LostMessage, RoutedMessage } from "../../../runtime/router/types.ts";

/** What one node saw. */
export interface Witness {
  node: TreeNode;
  index: number;
  alias: string | undefined;
  received: RoutedMessage[];
  lost: { peer: number; lost: readonly LostMessage[] }[];
  errors: unknown[];
  links: Link[];
}

/** A tree that is stopped with the end of the block. */
export interface Grove extends AsyncDisposable {
  all: Witness[];
  /** The parent of each node; -1 for the root. */
  parents: readonly number[];
  /** Ends a node's links as a crash would: nobody is told. */
  crash(index: number): void;
}

/** The parents of a whole binary tree of so many nodes. */
export function binary(size: number): number[] {
  return Array.from({ length: size }, (_, index) => index === 0 ? -1 : (index - 1) >> 1);
}

/** Grows a tree over message ports. Node 0 is the root. */
export function grow(
  parents: readonly number[],
  options: TreeOptions = {},
  aliases: readonly (string | undefined)[] = [],
): Grove {
  const resolved = resolveTreeOptions({ drainMs: 500, ...options });
  const rootPid = 1000;
  const all = parents.map((_, index): Witness => {
    const alias = index === 0 ? "root" : aliases[index];
    const identity = drawIdentity(rootPid + index);
    const above: number[] = [];
    for (let at = parents[index]!; at >= 0; at = parents[at]!) above.unshift(rootPid + at);
    const node = new TreeNode({ identity, alias, rootPid, above, options: resolved });
    const witness: Witness = {
      ...{ node, index, alias, received: [], lost: [], errors: [], links: [] },
    };
    node.addListener({
      onMessageReceived: (message) => void witness.received.push(message),
      onPeerShutdown: (_, { pid }, lost) => void witness.lost.push({ peer: pid, lost }),
      onRouterError: (_operation, _errno, _text, error) => void witness.errors.push(error),
    });
    return witness;
  });
  parents.forEach((parent, index) => {
    if (parent >= 0) join(all[parent]!, all[index]!);
  });
  const crashed = new Set<number>();
  return {
    all,
    parents,
    crash(index) {
      crashed.add(index);
      for (const link of all[index]!.links) link.end(null);
    },
    async [Symbol.asyncDispose]() {
      await Promise.all(all.map(({ node }) => node.close()));
    },
  };
}

/** Links two nodes. */
export function join(parent: Witness, child: Witness): void {
  const [down, up] = linkPair();
  parent.links.push(down);
  child.links.push(up);
  const of = ({ node: { identity, alias } }: Witness) => ({ identity, alias });
  parent.node.attach(down, { ...of(child), direction: "child" });
  child.node.attach(up, { ...of(parent), direction: "parent" });
}

/** Waits until something holds; fails after ten seconds. */
export function until(what: string, holds: () => boolean): Promise<void> {
  return untilAsync(what, () => Promise.resolve(holds()));
}

/** Waits until something that takes time to find out holds; fails after ten seconds. */
export async function untilAsync(what: string, holds: () => Promise<boolean>): Promise<void> {
  const end = performance.now() + 10_000;
  while (!await holds()) {
    if (performance.now() > end) throw new Error(`Waited for ten seconds: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}

/** Random numbers that are the same each time. */
export function seeded(seed: number): (below: number) => number {
  let state = seed >>> 0;
  return (below) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
  };
}

/** The nodes beside a node of a tree. */
export function beside(parents: readonly number[], index: number): number[] {
  const children = parents.flatMap((parent, child) => parent === index ? [child] : []);
  return parents[index]! < 0 ? children : [parents[index]!, ...children];
}

/** Who gets a message, by a walk through the tree that shares nothing with the router. */
export function receivers(
  parents: readonly number[],
  origin: number,
  takes: (index: number) => boolean,
  stops: boolean,
): number[] {
  const found: number[] = [];
  function walk(index: number, from: number): void {
    if (index !== origin && takes(index)) {
      found.push(index);
      if (stops) return;
    }
    for (const next of beside(parents, index)) if (next !== from) walk(next, index);
  }
  walk(origin, -1);
  return found.sort((a, b) => a - b);
}
