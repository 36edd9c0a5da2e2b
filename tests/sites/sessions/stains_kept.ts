/**
 * Resources that are there before the first request, so that what a request leaves in them can be seen.
 *
 * @module
 */

import { resources } from "../../../mod.ts";

/** A resource of each kind that a restore knows. */
export const KEPT: Record<"object" | "map" | "set" | "bytes", number> = {
  object: resources.allocateId("stains.object", { ctor: () => ({}) }),
  map: resources.allocateId("stains.map", { ctor: () => new Map<string, number>() }),
  set: resources.allocateId("stains.set", { ctor: () => new Set<string>() }),
  bytes: resources.allocateId("stains.bytes", { ctor: () => new Uint8Array(4) }),
};
/** One that belongs to requests. */
export const OF_REQUEST: number = resources.allocateId("stains.request", { scope: "request" });
