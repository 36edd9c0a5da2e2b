/**
 * Who a node is, and to whom a message goes.
 *
 * @module
 */

/** Who a node is. Process ids are used again and workers have none of their own, so a random part makes it unique. */
export interface NodeIdentity {
  /** The process id, or for a node in a worker a number that no process can have. */
  readonly pid: number;
  /** Sixteen hexadecimal digits, drawn when the node was made. */
  readonly inc: string;
}

/** To whom a message goes: one node, the nearest of a name, the members of a group, or everybody else. */
export type Address =
  | { readonly pid: number }
  | { readonly alias: string }
  | { readonly group: string }
  | { readonly all: true };

/** An {@linkcode Address}, or a number for a pid, or a text for an alias. */
export type Destination = Address | number | string;

/** The longest alias or name of a group, in bytes of UTF-8. */
export const LONGEST_NAME = 255;

const INCARNATION = /^[0-9a-f]{16}$/;
const utf8 = new TextEncoder();

/** Draws the identity of a new node; a node without a process gets a pid above all that systems give. */
export function drawIdentity(pid?: number): NodeIdentity {
  const [high, low, spare] = crypto.getRandomValues(new Uint32Array(3));
  const inc = [high!, low!].map((part) => part.toString(16).padStart(8, "0")).join("");
  return Object.freeze({ pid: pid ?? 2 ** 32 + spare! * 2 ** 16 + (low! & 0xffff), inc });
}

/** Reads where a caller wants a message to go. */
export function readDestination(to: unknown): Address {
  if (typeof to === "number") return { pid: checkPid(to) };
  if (typeof to === "string") return { alias: checkName("alias", to) };
  if (typeof to === "object" && to !== null && Object.keys(to).length === 1) {
    if ("pid" in to && typeof to.pid === "number") return { pid: checkPid(to.pid) };
    if ("alias" in to) return { alias: checkName("alias", to.alias) };
    if ("group" in to) return { group: checkName("group", to.group) };
    if ("all" in to && to.all === true) return { all: true };
  }
  throw new TypeError(
    "Cannot send: the destination is neither a pid, nor an alias, nor one of { pid }, { alias }, { group } and { all: true }",
  );
}

/** Refuses anything but a text of 1 to 255 bytes. */
export function checkName(what: string, name: unknown): string {
  if (typeof name !== "string") throw new TypeError(`Cannot use ${what}: it is not a text`);
  if (!isName(name)) {
    throw new RangeError(
      `Cannot use ${what}: it takes 1 to ${LONGEST_NAME} bytes, and has ${
        utf8.encode(name).length
      }`,
    );
  }
  return name;
}

function checkPid(pid: number): number {
  if (isPid(pid)) return pid;
  throw new RangeError(`Cannot send: a pid is a whole number above 0, and ${pid} was given`);
}

function isPid(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) > 0;
}

/** Whether it may name a group or be an alias. */
export function isName(value: unknown): value is string {
  if (typeof value !== "string" || value === "" || value.length > LONGEST_NAME) return false;
  return utf8.encode(value).length <= LONGEST_NAME;
}

/** Rebuilds an identity from what a neighbour sent; `undefined` when it is none. */
export function parseIdentity(value: unknown): NodeIdentity | undefined {
  if (typeof value !== "object" || value === null) return undefined;
  const { pid, inc } = value as Partial<NodeIdentity>;
  if (!isPid(pid) || typeof inc !== "string" || !INCARNATION.test(inc)) return undefined;
  return { pid, inc };
}

/** Rebuilds an address from what a neighbour sent; `undefined` when it is none. */
export function parseAddress(value: unknown): Address | undefined {
  if (typeof value !== "object" || value === null) return undefined;
  const { pid, alias, group, all } = value as Record<string, unknown>;
  if (pid !== undefined) return isPid(pid) ? { pid } : undefined;
  if (alias !== undefined) return isName(alias) ? { alias } : undefined;
  if (group !== undefined) return isName(group) ? { group } : undefined;
  return all === true ? { all } : undefined;
}

/** The pid, alias or group in an address, for messages to people; `everybody` for all. */
export function nameOf(to: Address): string {
  if ("pid" in to) return `pid ${to.pid}`;
  if ("alias" in to) return `alias "${to.alias}"`;
  return "group" in to ? `group "${to.group}"` : "everybody";
}
