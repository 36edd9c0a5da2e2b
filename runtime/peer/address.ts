/**
 * How boxes are named: this one, one of this machine, or one that is reached over HTTP.
 *
 * @module
 */

import { given } from "../checks.ts";

/** A box that is reached over HTTP. */
export interface PeerAddress {
  /** `host:port`, with the port also where it is the usual one; for messages and lists. */
  readonly name: string;
  /** Where requests go: scheme, host and port, without a slash at the end. */
  readonly origin: string;
}

/** Who is to get a message. */
export type Receiver =
  | { readonly kind: "local" }
  | { readonly kind: "remote"; readonly address: PeerAddress }
  /** A box of this machine, by alias or group. */
  | { readonly kind: "node"; readonly name: string };

const LOCAL: Receiver = Object.freeze({ kind: "local" });
const LOCAL_NAMES: ReadonlySet<string> = new Set(["", "localhost", "127.0.0.1"]);
const LONGEST_NAME = 255;
const USUAL_PORTS: Readonly<Record<string, string>> = { "http:": "80", "https:": "443" };

/**
 * Reads to whom a message goes.
 *
 * @param self Names of this box, as {@linkcode readAddress} gives them.
 * @throws {TypeError} If it is no name: an address with a path, a user or a query, or with another scheme than `http:` and
 * `https:`.
 */
export function readReceiver(to: string | undefined, self: ReadonlySet<string>): Receiver {
  if (to === undefined || LOCAL_NAMES.has(to)) return LOCAL;
  const address = readAddress(to);
  if (address === undefined) return { kind: "node", name: to };
  return self.has(address.name) ? LOCAL : { kind: "remote", address };
}

/** Addresses that were read: to take one apart costs as much as to send a message that travels with others. */
const read = new Map<string, PeerAddress>();
const MOST_READ = 1024;

/**
 * Reads an address; nothing where a name has neither a scheme nor a port.
 *
 * @throws {TypeError} If it is neither an address nor a name.
 */
export function readAddress(text: string): PeerAddress | undefined {
  const known = read.get(text);
  if (known !== undefined) return known;
  if (typeof text !== "string" || text === "" || text.length > LONGEST_NAME) throw wrong(text);
  const hasScheme = text.includes("://");
  if (!hasScheme && !text.includes(":")) {
    if (/[\s/@?#\\]/.test(text)) throw wrong(text);
    return undefined;
  }
  // The port of the usual kind is left out by URL, so what was written decides whether there is one.
  if (!hasScheme && !/:\d{1,5}$/.test(text)) throw wrong(text);
  const href = hasScheme ? text : `http://${text}`;
  if (!URL.canParse(href)) throw wrong(text);
  const { protocol, hostname, port, pathname, search, hash, username, password } = new URL(href);
  const usual = USUAL_PORTS[protocol];
  const isBare = pathname === "/" && search + hash + username + password === "";
  if (usual === undefined || hostname === "" || !isBare || port === "0") throw wrong(text);
  const name = `${hostname}:${port || usual}`;
  const address = Object.freeze({ name, origin: `${protocol}//${name}` });
  if (read.size >= MOST_READ) read.clear();
  read.set(text, address);
  return address;
}

/** Which boxes may be named. */
export class AllowList {
  readonly #names = new Set<string>();
  readonly #origins = new Set<string>();
  readonly #hosts = new Set<string>();

  /**
   * Takes names as messages use them; `"host:*"` allows every port of a host.
   *
   * @throws {TypeError} If one is no name.
   */
  constructor(list: readonly string[]) {
    for (const text of list) {
      if (text.endsWith(":*") && !text.includes("://")) {
        this.#hosts.add(readAddress(`${text.slice(0, -1)}1`)!.name.replace(/:1$/, ""));
        continue;
      }
      const address = readAddress(text);
      if (address === undefined) this.#names.add(text);
      else if (text.includes("://")) this.#origins.add(address.origin);
      else this.#names.add(address.name);
    }
  }

  /** Whether a receiver may be named; this box always may. */
  allows(receiver: Receiver): boolean {
    if (receiver.kind === "local") return true;
    if (receiver.kind === "node") return this.#names.has(receiver.name);
    const { name, origin } = receiver.address;
    const host = name.slice(0, name.lastIndexOf(":"));
    return this.#names.has(name) || this.#origins.has(origin) || this.#hosts.has(host);
  }
}

function wrong(text: unknown): TypeError {
  return new TypeError(
    `Cannot find a box by ${
      given(text)
    }: allowed are "host:port", an http: or https: URL without a path, the alias of a ` +
      'box of this machine, "boxes", "localhost" and ""',
  );
}
