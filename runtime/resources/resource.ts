/**
 * Access: from an id to the instance of the running thread, or of the running request.
 *
 * Workers load this file.
 *
 * @module
 */

import { WORD } from "./board.ts";
import type { Definition, ResourceDtor } from "./definition.ts";
import { NoRequestError, RequestEndedError } from "./errors.ts";
import { currentFrame, keepInFrame } from "./frames.ts";
import { isDown, refresh, report, theWorld, type World, world } from "./world.ts";

/** Number of a resource: 1 and up, never used again; 0 is none. */
export type ResourceId = number;

/**
 * The instance of the current thread, or of the current request. It takes no lock.
 *
 * @typeParam T The instance.
 * @param id Of the resource; 0 gives all instances of the thread by id, to look at.
 * @returns The instance; `null` if the resource was freed.
 *
 * @throws {RangeError} If there is no such id.
 * @throws {MissingResourceError} If this thread has no constructor for it.
 * @throws {NoRequestError} If it belongs to requests, and none runs here.
 * @throws {RequestEndedError} If the request that it belongs to has ended.
 */
export function resource<T = unknown>(id: ResourceId): T {
  const current = world;
  if (current !== undefined) {
    const { storage } = current;
    // Read without Atomics, which would take ten times as long: who knows of a change was told so by a message
    // or by Atomics, and what was written before that is seen here.
    if (storage.words[WORD.version] === storage.version) {
      const instance = storage.table[id];
      if (instance !== undefined) return instance as T;
      const definition = storage.definitions[id];
      if (definition?.scope === "request") return ofRequest(current, id, definition) as T;
    }
  }
  return find(id) as T;
}

/**
 * Whether anything here belongs to requests. While it is false, a request needs no frame, and whoever runs it
 * may save the time of opening one.
 */
export function hasRequestIds(): boolean {
  if (world === undefined) return false;
  const { storage } = world;
  if (storage.words[WORD.version] !== storage.version) refresh(world);
  return storage.requestIds > 0;
}

/** Makes the instances of the running request, those that it lacks, in ascending order. */
export function makeEagerly(): void {
  if (!hasRequestIds()) return;
  const { storage } = world!;
  for (let id = 1; id < storage.definitions.length; id++) {
    const definition = storage.definitions[id]!;
    if (definition.scope === "request" && !definition.isFreed) ofRequest(world!, id, definition);
  }
}

/** What is not in the table, or not yet. */
function find(id: ResourceId): unknown {
  const current = world;
  if (current === undefined) {
    if (isDown) throw noSuchId(id);
    return theWorld();
  }
  const { storage } = current;
  refresh(current);
  if (id === 0) {
    storage.begin();
    return storage.view;
  }
  const definition = storage.definitions[id];
  if (definition === undefined || storage.isClosed) throw noSuchId(id);
  storage.begin();
  if (definition.isFreed) return null;
  if (definition.scope === "request") return ofRequest(current, id, definition);
  return storage.build(id);
}

function ofRequest({ storage }: World, id: ResourceId, definition: Definition): unknown {
  const frame = currentFrame();
  if (frame === undefined) throw new NoRequestError(definition.name);
  if (!frame.isOpen) throw new RequestEndedError(definition.name);
  const known = frame.made[id];
  if (known !== undefined) return known;
  const instance = storage.make(definition);
  // A constructor may have freed its own resource, or ended the request: then nobody else would destroy it.
  if (definition.isFreed || !frame.isOpen) {
    undo(instance, definition.dtor);
    if (!frame.isOpen) throw new RequestEndedError(definition.name);
    return null;
  }
  keepInFrame(frame, id, definition, instance);
  return instance;
}

/** Destroys an instance that nobody got. */
export function undo(instance: unknown, dtor: ResourceDtor<unknown> | undefined): void {
  try {
    dtor?.(instance);
  } catch (error) {
    report(error);
  }
}

/** The error of an id that nobody has. */
export function noSuchId(id: unknown): RangeError {
  const count = world === undefined || world.storage.isClosed
    ? 0
    : world.storage.definitions.length - 1;
  return new RangeError(`Cannot use resource ${String(id)}: ids go from 1 to ${count}`);
}
