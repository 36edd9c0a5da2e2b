/**
 * Definitions: what one isolate knows of a resource, its constructor and destructor above all.
 *
 * Functions do not travel between isolates, so each has to register its own, or finds them in the module that the
 * first one named.
 *
 * Workers load this file.
 *
 * @module
 */

import type { Row } from "./board.ts";

/** Makes an instance: returns it, or fills the empty object that it is given. */
export type ResourceCtor<T = unknown> = (memory: Record<string, unknown>) => T | void;

/** Undoes what the constructor did. */
export type ResourceDtor<T = never> = (instance: T) => void;

/** What a thread knows of one id. */
export interface Definition extends Row {
  /** Makes instances, if this thread knows how. */
  ctor?: ResourceCtor;
  /** Destroys them. */
  dtor?: ResourceDtor<unknown>;
  /** Whether this isolate has registered it, rather than only heard of it. */
  isOwn: boolean;
  /** Whether the id is done. */
  isFreed: boolean;
  /** Whether the constructor is running, which must not ask for what it makes. */
  isBeingMade: boolean;
  /** Why the module did not bring a constructor. */
  failure?: unknown;
  /** The module while it loads. */
  loading?: Promise<void>;
}

/** What a thread is about to register, with the instance that it has made already. */
export interface Offer {
  ctor: ResourceCtor | undefined;
  dtor: ResourceDtor<unknown> | undefined;
  scope: Row["scope"];
  /** The instance; `undefined` for request scope. */
  instance: unknown;
}

/** Runs a constructor; without one, the instance is an empty object. */
export function construct(ctor: ResourceCtor | undefined): unknown {
  const memory = {};
  return ctor?.(memory) ?? memory;
}

/** Finds the constructor in a module: the export that is named like the resource, else the default one. */
export function findExport(
  module: Record<string, unknown>,
  name: string,
): { ctor: ResourceCtor; dtor?: ResourceDtor<unknown> } | undefined {
  const found = Object.hasOwn(module, name) ? module[name] : module.default;
  if (typeof found === "function") return { ctor: found as ResourceCtor };
  const { ctor, dtor } = (found ?? {}) as { ctor?: unknown; dtor?: unknown };
  if (typeof ctor !== "function") return undefined;
  const result: { ctor: ResourceCtor; dtor?: ResourceDtor<unknown> } = {
    ctor: ctor as ResourceCtor,
  };
  if (typeof dtor === "function") result.dtor = dtor as ResourceDtor<unknown>;
  return result;
}
