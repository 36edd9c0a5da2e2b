/**
 * What those who call functions and the box that has them must agree on.
 *
 * @module
 */

/** Functions stand below this path. */
export const RPC_PATH = "/_tandem/rpc/";

/** Content type of arguments and values in the wire format. */
export const WIRE_TYPE = "application/x-tandem";

/** Content type of the record of an error in the wire format. */
export const WIRE_ERROR_TYPE = "application/x-tandem-error";

/** Header that holds the milliseconds that the caller will wait. */
export const TIMEOUT_HEADER = "x-tandem-timeout";

/** Names that are never functions, whatever a document exports: promises, classes, text and JSON look for them. */
export const RESERVED_NAMES: ReadonlySet<string> = new Set([
  "default",
  "then",
  "constructor",
  "prototype",
  "toJSON",
  "toString",
  "valueOf",
  "__proto__",
]);
