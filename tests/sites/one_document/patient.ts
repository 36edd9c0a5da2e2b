import type { ThreadContext } from "../../../mod.ts";

/** A thread that waits for the stop notice. */
export default async function wait({ started, stopped }: ThreadContext): Promise<void> {
  started();
  while (!await stopped(60_000));
}
