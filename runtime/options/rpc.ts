/**
 * The options of RPC that pools do not have.
 *
 * @module
 */

/** Checks the passwords. What was given stays out of the message. */
export function readPasswords(passwords: unknown = []): string[] {
  const areTexts = Array.isArray(passwords) &&
    passwords.every((one) => typeof one === "string" && one !== "");
  if (areTexts) return [...passwords as string[]];
  throw new TypeError(
    'Cannot use option "rpc.passwords": a list of texts that are not empty is needed',
  );
}
