/**
 * Backups of a thread: what its instances hold, to be put back when a session is restored.
 *
 * A backup goes one level deep: an instance's own properties, what a `Map` or a `Set` holds, the elements of a typed
 * array. Private fields and what other objects hold stay as they are.
 *
 * Workers load this file.
 *
 * @module
 */

import { throwAll } from "./errors.ts";
import { refresh, world } from "./world.ts";

/** What {@linkcode backupThread} remembers. */
export interface ThreadBackup {
  /** What each instance held, by the id of its resource. */
  readonly instances: ReadonlyMap<number, InstanceBackup>;
}

/** What one instance held. */
export interface InstanceBackup {
  /** The instance itself. */
  readonly instance: unknown;
  /** Puts back what it held. */
  restore(): void;
}

/** Elements of a typed array, whatever their type. */
type Elements = ArrayBufferView & { set(from: unknown): void; slice(): unknown };

/** Remembers what the instances of this thread hold. */
export function backupThread(): ThreadBackup {
  const instances = new Map<number, InstanceBackup>();
  if (world === undefined) return { instances };
  refresh(world);
  world.storage.table.forEach((instance, id) => {
    if (instance === undefined || instance === null) return;
    instances.set(id, { instance, restore: remember(instance) });
  });
  return { instances };
}

/**
 * Puts back what the instances of this thread held. Instances that were made since are destroyed, the highest id first,
 * and made again at the next access; resources that were freed since stay freed.
 *
 * @throws {AggregateError} If destructors threw; all else is done all the same.
 */
export function restoreThread({ instances }: ThreadBackup): void {
  if (world === undefined) return;
  refresh(world);
  const { storage } = world;
  const errors: unknown[] = [];
  for (let id = storage.table.length - 1; id > 0; id--) {
    const instance = storage.table[id];
    if (instance === undefined || instance === null) continue;
    if (instances.get(id)?.instance !== instance) storage.drop(id, errors);
  }
  for (const [id, { instance, restore }] of instances) {
    if (storage.table[id] !== instance) continue;
    try {
      restore();
    } catch (error) {
      errors.push(error);
    }
  }
  throwAll(errors, "Cannot restore the thread without errors");
}

function remember(instance: unknown): () => void {
  if (typeof instance !== "object" && typeof instance !== "function") return nothing;
  if (ArrayBuffer.isView(instance)) return rememberElements(instance);
  const restore = rememberProperties(instance as object);
  if (instance instanceof Map) {
    const entries = [...Map.prototype.entries.call(instance)];
    return () => {
      restore();
      Map.prototype.clear.call(instance);
      for (const [key, value] of entries) Map.prototype.set.call(instance, key, value);
    };
  }
  if (instance instanceof Set) {
    const values = [...Set.prototype.values.call(instance)];
    return () => {
      restore();
      Set.prototype.clear.call(instance);
      for (const value of values) Set.prototype.add.call(instance, value);
    };
  }
  return restore;
}

function rememberElements(view: ArrayBufferView): () => void {
  const array = view instanceof DataView
    ? new Uint8Array(view.buffer, view.byteOffset, view.byteLength)
    : view as Elements;
  const elements = array.slice();
  return () => array.set(elements as never);
}

function rememberProperties(instance: object): () => void {
  if (Object.isFrozen(instance)) return nothing;
  const held = Object.getOwnPropertyDescriptors(instance);
  const keys = Reflect.ownKeys(held);
  return () => {
    for (const key of Reflect.ownKeys(instance)) {
      if (!Object.hasOwn(held, key)) Reflect.deleteProperty(instance, key);
    }
    for (const key of keys) Reflect.defineProperty(instance, key, Reflect.get(held, key));
  };
}

function nothing(): void {}
