/**
 * Registers a resource in a handler, and uses it at once.
 *
 * @module
 */

import { resources, type XboxContext } from "../../../mod.ts";

const BARE = { scope: "request" as const, ctor: () => ({ seen: 0, id: requestId() }) };

export default async function processMessage(_: unknown, { session }: XboxContext) {
  const id = resources.allocateId<{ seen: number }>("bare.handler", BARE);
  resources.resource<{ seen: number }>(id).seen++;
  await new Promise((resolve) => setTimeout(resolve, 1));
  const own = resources.resource<{ seen: number; id: string }>(id);
  own.seen++;
  const inInit = resources.findId("bare.init");
  const seen = inInit === 0 ? undefined : resources.resource<{ seen: number }>(inInit).seen;
  return { ...own, locals: { ...session.locals }, seenInInit: seen };
}

function requestId(): string {
  const own = resources.findId("tandem.request");
  return resources.resource<{ requestId: string }>(own).requestId;
}
