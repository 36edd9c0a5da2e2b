/**
 * Registration: names get ids that all threads agree on, and ids are done with in all threads.
 *
 * Workers load this file.
 *
 * @module
 */

import { MAX_MODULE, MAX_NAME, type ResourceScope } from "./board.ts";
import { construct, type Offer, type ResourceCtor, type ResourceDtor } from "./definition.ts";
import { throwAll } from "./errors.ts";
import { noSuchId, type ResourceId, undo } from "./resource.ts";
import { isDown, refresh, theWorld, type World, world } from "./world.ts";

/** How a resource comes and goes. */
export interface ResourceOptions<T = unknown> {
  /** Makes an instance: returns it, or fills the object that it is given; without one, that object stays empty. */
  ctor?: ResourceCtor<T>;
  /** Destroys an instance. */
  dtor?: ResourceDtor<T>;
  /**
   * Whether each thread has an instance, or each request.
   *
   * @default "thread"
   */
  scope?: ResourceScope;
  /**
   * Where threads that do not register the resource themselves find its constructor: an absolute URL of a module
   * whose export of the resource's name, or else whose default export, is the constructor, or an object with
   * `ctor` and `dtor`.
   */
  module?: string | URL;
}

/**
 * Registers a resource, or finds it: whoever registers the same name gets the same id. Every thread that lives gets
 * an instance, this one at once and the others at their next turn or access.
 *
 * @typeParam T The instances.
 * @param name At most 128 characters.
 * @returns The id, or 0 if it could not be had, and then nothing is registered: no more ids are left, the
 * manager was shut down, or other threads did not answer in time.
 *
 * @throws {TypeError} If an argument is wrong, or this isolate knows the name with another constructor, destructor or
 * scope.
 * @throws {RuntimeError} `NOT_STARTED` if this thread has neither started the manager nor joined one.
 *
 * @example Usage
 * ```ts
 * import assert from "node:assert/strict";
 * import { resources } from "@tandem/tandem";
 *
 * resources.startup({ threads: false });
 * const hits = resources.allocateId("hits", { ctor: () => ({ count: 0 }), scope: "thread" });
 * resources.resource<{ count: number }>(hits)!.count++;
 * assert.deepEqual(resources.resource(hits), { count: 1 });
 * resources.shutdown();
 * ```
 */
export function allocateId<T = unknown>(
  name: string,
  options: ResourceOptions<T> = {},
): ResourceId {
  return allocate(name, options as ResourceOptions, false);
}

/**
 * Registers a resource like {@linkcode allocateId} in the space that is reserved for those that matter most.
 *
 * @returns The id, or 0 also when the 64 reserved places are taken.
 */
export function allocateFastId<T = unknown>(
  name: string,
  options: ResourceOptions<T> = {},
): ResourceId {
  return allocate(name, options as ResourceOptions, true);
}

/** The id of a name, 0 if there is none. */
export function findId(name: string): ResourceId {
  const current = theWorld();
  refresh(current);
  return current.storage.names.get(name) ?? 0;
}

/**
 * Ends a resource in all threads: each destroys its instance, in its own isolate, and has `null` from then on. An
 * untrusted worker frees for others only what it was the first to register. A second call does nothing.
 *
 * @throws {RangeError} If there is no such id.
 * @throws {AggregateError} If the destructor threw here.
 */
export function freeId(id: ResourceId): void {
  const current = theWorld();
  const { storage } = current;
  refresh(current);
  const definition = storage.definitions[id];
  if (definition === undefined) throw noSuchId(id);
  if (definition.isFreed) return;
  current.free(id);
  const errors: unknown[] = [];
  storage.apply(errors);
  throwAll(errors, `Cannot free resource "${definition.name}" without errors`);
}

/**
 * Resolves when every live thread has made or destroyed its instance, modules that it has to load included. A
 * thread that is busy delays this. It waits for all that was registered and freed before the call.
 *
 * @throws {RangeError} If there is no such id.
 */
export async function settled(id: ResourceId): Promise<void> {
  const current = theWorld();
  refresh(current);
  if (current.storage.definitions[id] === undefined) throw noSuchId(id);
  await current.storage.loaded();
  await current.settled();
}

function allocate(name: string, options: ResourceOptions, isFast: boolean): ResourceId {
  const { ctor, dtor, scope, module } = check(name, options);
  if (world === undefined && isDown) return 0;
  const current = theWorld();
  const { storage } = current;
  refresh(current);
  if (storage.isClosed) return 0;
  storage.begin();
  const known = storage.names.get(name);
  if (known !== undefined && meet(current, known, ctor, dtor, scope)) return known;
  const isMadeHere = scope === "thread" && (ctor !== undefined || module === undefined);
  const instance = isMadeHere ? construct(ctor) : undefined;
  const hasCtor = ctor !== undefined || module !== undefined;
  storage.offers.set(name, { ctor, dtor, scope, instance });
  let id = 0;
  try {
    const row = { name, scope, hasCtor, isForeign: !current.isTrusted };
    id = current.register(module === undefined ? row : { ...row, module }, isFast);
  } finally {
    storage.offers.delete(name);
    if (isMadeHere && (id === 0 || storage.table[id] !== instance)) undo(instance, dtor);
    refresh(current);
  }
  if (id !== 0) meet(current, id, ctor, dtor, scope);
  return id;
}

/**
 * Compares what is registered with what is known, and takes over a constructor that was lacking.
 *
 * @returns False if a worker took the name for something else, which the trusted side does not have to bear.
 */
function meet(
  current: World,
  id: ResourceId,
  ctor: Offer["ctor"],
  dtor: Offer["dtor"],
  scope: ResourceScope,
): boolean {
  const { storage } = current;
  const definition = storage.definitions[id]!;
  const { name } = definition;
  if (definition.scope !== scope) {
    if (current.isTrusted && definition.isForeign) {
      freeId(id);
      return false;
    }
    throw new TypeError(
      `Cannot allocate resource "${name}": it belongs to each ${definition.scope}, not to each ${scope}`,
    );
  }
  const isKnown = definition.ctor !== undefined || definition.isOwn;
  const isOtherCtor = ctor !== undefined && isKnown && ctor !== definition.ctor;
  const isOtherDtor = dtor !== undefined && isKnown && dtor !== definition.dtor;
  if (isOtherCtor || isOtherDtor) {
    throw new TypeError(
      `Cannot allocate resource "${name}": this thread knows it with another constructor or destructor`,
    );
  }
  if (!definition.isOwn) storage.adopt(id, ctor, dtor);
  return true;
}

function check(
  name: unknown,
  { ctor, dtor, scope = "thread", module }: ResourceOptions,
): Pick<Offer, "ctor" | "dtor" | "scope"> & { module: string | undefined } {
  if (typeof name !== "string" || name === "" || name.length > MAX_NAME) {
    throw new TypeError(
      `Cannot allocate a resource: its name must be a text of 1 to ${MAX_NAME} characters`,
    );
  }
  const fail = (what: string) => {
    throw new TypeError(`Cannot allocate resource "${name}": ${what}`);
  };
  if (ctor !== undefined && typeof ctor !== "function") fail("its constructor is no function");
  if (dtor !== undefined && typeof dtor !== "function") fail("its destructor is no function");
  if (scope !== "thread" && scope !== "request") fail('its scope must be "thread" or "request"');
  if (module === undefined) return { ctor, dtor: dtor as Offer["dtor"], scope, module };
  const url = String(module);
  if (!URL.canParse(url) || url.length > MAX_MODULE) {
    fail(`its module must be an absolute URL of at most ${MAX_MODULE} characters`);
  }
  return { ctor, dtor: dtor as Offer["dtor"], scope, module: url };
}
