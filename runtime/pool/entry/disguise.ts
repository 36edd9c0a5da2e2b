/**
 * Lets a function that stands in for a built-in one look like it.
 *
 * @module
 */

/**
 * Gives a stand-in the name, the length and the other own properties of what it stands in for.
 *
 * @typeParam F The function.
 * @param standIn What documents will call.
 * @param original What it calls.
 * @returns The stand-in.
 */
export function disguise<F extends object>(standIn: F, original: object): F {
  for (const key of Reflect.ownKeys(original)) {
    if (key === "prototype") continue;
    Reflect.defineProperty(standIn, key, Reflect.getOwnPropertyDescriptor(original, key)!);
  }
  return standIn;
}
