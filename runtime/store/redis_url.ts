/**
 * Where a Redis is, and as whom to use it.
 *
 * @module
 */

import { withoutSecrets } from "./safe_url.ts";

/** What a `redis:` URL says. */
export interface RedisAddress {
  /** Its name or address, without brackets. */
  host: string;
  /** Its port. */
  port: number;
  /** Whether to speak TLS. */
  tls: boolean;
  /** The user; absent for the default one. */
  username?: string;
  /** The password, if one is needed. */
  password?: string;
  /** The number of the database. */
  database: number;
  /** What all keys begin with. */
  namespace: string;
  /** The URL without user and password, for messages. */
  name: string;
  /** What `--allow-net` has to name. */
  netHost: string;
}

const ALLOWED = "allowed is redis[s]://[user:password@]host[:port][/database][?namespace=name]";
const DEFAULT_PORT = 6379;
const NAMESPACE = /^[\w.-]{1,64}$/;

/**
 * Reads a `redis:` or `rediss:` URL. Messages name no part of it that may be secret.
 *
 * @throws {TypeError} If it is none, or says what is not understood.
 */
export function parseRedisUrl(text: string): RedisAddress {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || url.protocol !== "redis:" && url.protocol !== "rediss:") {
    throw new TypeError(`Cannot open a store in Redis: its URL cannot be read, ${ALLOWED}`);
  }
  const { hostname, port } = url;
  const place = withoutSecrets(text);
  const refuse = (found: string): never => {
    throw new TypeError(
      `Cannot open a store in Redis at ${JSON.stringify(place)}: ${found}, ${ALLOWED}`,
    );
  };
  if (hostname === "") refuse("no host is named");
  const database = /^\/?(\d{0,5})$/.exec(url.pathname);
  if (database === null) refuse("the database is no number");
  if (url.hash !== "") refuse("it has a fragment");
  for (const key of url.searchParams.keys()) {
    if (key !== "namespace") refuse(`${JSON.stringify(key)} is unknown`);
  }
  const namespace = url.searchParams.get("namespace") ?? "tandem";
  if (!NAMESPACE.test(namespace)) {
    refuse("the namespace is not 1 to 64 letters, digits, dots, underscores and dashes");
  }
  const number = Number(database![1]);
  const usedPort = port === "" ? DEFAULT_PORT : Number(port);
  return {
    host: hostname.replace(/^\[(.*)\]$/, "$1"),
    port: usedPort,
    tls: url.protocol === "rediss:",
    username: decode(url.username) || undefined,
    password: decode(url.password) || undefined,
    database: number,
    namespace,
    name: `${url.protocol}//${hostname}:${usedPort}/${number}`,
    netHost: `${hostname}:${usedPort}`,
  };
}

/** A password with a percent sign that stands for itself is a password, too. */
function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
