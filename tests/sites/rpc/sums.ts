/**
 * A small document, as the README shows it.
 *
 * @module
 */

import type { RpcContext } from "../../../mod.ts";

export function add(a: number, b: number): number {
  return a + b;
}

export async function remember(this: RpcContext, name: string, value: Date): Promise<number> {
  await this.store.set(["dates", name], value);
  return this.session.requests;
}
