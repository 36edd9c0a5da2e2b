/**
 * The options of what reaches other boxes: peers, durable messages, and which boxes a worker may name.
 *
 * @module
 */

import { checkFields, checkNumber, fail } from "../checks.ts";
import type { PeersOptions, PostsOptions, XboxScope } from "../types/site.ts";

/** Peers, filled in. */
export type ResolvedPeers = Required<PeersOptions>;

/** What becomes of durable messages, filled in. */
export type ResolvedPosts = Required<PostsOptions>;

/** What holds for peers unless it is told otherwise. */
export const PEERS_DEFAULTS: Readonly<ResolvedPeers> = Object.freeze({
  secrets: [],
  allow: [],
  self: [],
  clockSkewMs: 30_000,
  maxMessageBytes: 16 << 20,
  maxAnswerBytes: 64 << 20,
});

/** What holds for durable messages unless it is told otherwise. */
export const POSTS_DEFAULTS: Readonly<ResolvedPosts> = Object.freeze({
  attempts: 8,
  backOffMs: 200,
  maxBackOffMs: 60_000,
  keepKeysMs: 86_400_000,
  leaseMs: 5000,
  limit: 100_000,
  concurrency: 64,
});

/** Attempts that one message may have at most. */
export const MOST_ATTEMPTS = 1000;
const SHORTEST_SECRET = 16;
const SHORTEST_LEASE_MS = 100;

/** Checks how boxes know each other, and fills it in. */
export function resolvePeers(peers: PeersOptions = {}): ResolvedPeers {
  checkFields("peers", peers, Object.keys(PEERS_DEFAULTS));
  const { secrets, allow, self, ...numbers } = { ...PEERS_DEFAULTS, ...peers };
  if (!isTexts(secrets) || secrets.some((secret) => secret.length < SHORTEST_SECRET)) {
    // What was given stays out of the message: it is secret.
    throw new TypeError(
      `Cannot use option "peers.secrets": a list of texts of at least ${SHORTEST_SECRET} characters is needed`,
    );
  }
  for (const [name, value] of Object.entries(numbers)) checkNumber(`peers.${name}`, value, 1);
  return {
    secrets: [...secrets],
    allow: readAddresses("peers.allow", allow),
    self: readAddresses("peers.self", self),
    ...numbers,
  };
}

/** Checks what becomes of durable messages, and fills it in. */
export function resolvePosts(posts: PostsOptions = {}): ResolvedPosts {
  checkFields("posts", posts, Object.keys(POSTS_DEFAULTS));
  const resolved = { ...POSTS_DEFAULTS, ...posts };
  for (const [name, value] of Object.entries(resolved)) {
    checkNumber(`posts.${name}`, value, name === "leaseMs" ? SHORTEST_LEASE_MS : 1);
  }
  if (resolved.attempts > MOST_ATTEMPTS) {
    throw new RangeError(
      `Cannot use option "posts.attempts": at most ${MOST_ATTEMPTS} is allowed, and ${resolved.attempts} was given`,
    );
  }
  return resolved;
}

/** Checks which boxes a worker may name. */
export function resolveScope(field: string, scope: XboxScope = {}): XboxScope {
  checkFields(field, scope, ["to"]);
  return scope.to === undefined ? {} : { to: readAddresses(`${field}.to`, scope.to) };
}

function readAddresses(field: string, value: unknown): string[] {
  if (!isTexts(value) || value.includes("")) {
    fail(field, 'a list of names such as "10.0.0.2:8000", "https://host" or "box-2"', value);
  }
  return [...value as string[]];
}

function isTexts(value: unknown): value is string[] {
  return Array.isArray(value) && value.every((one) => typeof one === "string");
}
