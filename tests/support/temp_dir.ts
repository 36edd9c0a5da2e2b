/**
 * A folder for one test.
 *
 * @module
 */

/** A folder that is removed at the end of its block. */
export interface TempDir extends AsyncDisposable {
  /** Where it is, without a slash at the end. */
  readonly path: string;
}

/** Makes an empty folder below /tmp. */
export async function tempDir(): Promise<TempDir> {
  const path = await Deno.makeTempDir({ dir: "/tmp", prefix: "tandem-test-" });
  return { path, [Symbol.asyncDispose]: () => Deno.remove(path, { recursive: true }) };
}
