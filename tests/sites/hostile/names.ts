/**
 * The names of the attacks, for tests: the attacks themselves are loaded in workers only.
 *
 * @module
 */

/** Attacks by calls. */
export const CALLS: readonly string[] = [
  "construct",
  "constructDirect",
  "applyConstructor",
  "comlink",
  "get",
  "getThen",
  "getProto",
  "set",
  "setProto",
  "endpoint",
  "release",
  "nested",
  "unknown",
  "toString",
  "noFrame",
  "text",
  "nullArgument",
  "nullArguments",
  "unknownHandler",
  "throwHandler",
  "proxyArgument",
  "port",
  "sharedArgument",
  "sharedError",
  "streamArgument",
  "streamsPort",
  "idReused",
  "flood",
  "forgedId",
  "replacedPost",
];

/** Attacks by answers. */
export const ANSWERS: readonly string[] = [
  "proxy",
  "proxyOfNothing",
  "throwNull",
  "throwText",
  "throwValue",
  "throwObjects",
  "unknownHandler",
  "nothing",
  "shared",
  "sharedBody",
  "textBody",
  "listBody",
  "noStatus",
  "hugeStatus",
  "smallStatus",
  "oddStatus",
  "noHeaders",
  "headersOfObjects",
  "brokenHeaders",
  "millionHeaders",
];
