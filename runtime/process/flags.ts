/**
 * The permissions of a child, as the flags that it is started with.
 *
 * @module
 */

import { fileURLToPath } from "node:url";
import { given } from "../checks.ts";

/** What a permission can be limited to: everything, nothing, or a list in the form of Deno's flags. */
export type ChildPermission = boolean | readonly (string | URL)[];

/** The permissions of a child. What is left out is not given. */
export interface ChildPermissions {
  /** Variables of the environment. */
  env?: ChildPermission;
  /** Native libraries, by path. */
  ffi?: ChildPermission;
  /** Hosts that code may be imported from, beside that of the module itself. */
  import?: ChildPermission;
  /** Hosts, with or without port. */
  net?: ChildPermission;
  /** Files and folders to read. */
  read?: ChildPermission;
  /** Programs. A child that may run any program, or Deno, may do anything through it. */
  run?: ChildPermission;
  /** Facts about the system, by the names of Deno's flag. */
  sys?: ChildPermission;
  /** Files and folders to write. */
  write?: ChildPermission;
}

const KINDS: readonly string[] = ["env", "ffi", "import", "net", "read", "run", "sys", "write"];

/** No host has this name. */
const NOWHERE = "none.invalid";

/**
 * Spells permissions out. There are always flags about `run` and `import`: a child without any permission flag may be
 * given all of them on its way, and without a list of its own it may import from the hosts that Deno allows by
 * default, which `--deny-import` does not close.
 *
 * @param modules URLs that the child starts with.
 * @throws {TypeError} For `"inherit"`, since a process cannot list what it may do itself, and for what is no permission.
 */
export function permissionFlags(
  permissions: ChildPermissions | Deno.PermissionOptions,
  modules: readonly string[],
): string[] {
  const entries: unknown = permissions === "none" ? {} : permissions;
  if (typeof entries !== "object" || entries === null) {
    throw new TypeError(
      `Cannot start a child: permissions are "none" or an object, and ${given(entries)} was given`,
    );
  }
  const lists = new Map(Object.entries(entries).map(([kind, value]) => [kind, read(kind, value)]));
  const hosts = lists.get("import") ?? [];
  if (hosts !== true) {
    const all = [...hosts, ...modules.flatMap(hostOf)];
    lists.set("import", all.length > 0 ? all : [NOWHERE]);
  }
  const flags = ["--no-prompt"];
  for (const [kind, list] of lists) {
    if (list === true) flags.push(`--allow-${kind}`);
    else if (list.length > 0) flags.push(`--allow-${kind}=${list.join(",")}`);
  }
  const run = lists.get("run") ?? [];
  return run === true || run.length > 0 ? flags : [...flags, "--deny-run"];
}

function read(kind: string, value: unknown): true | readonly string[] {
  if (!KINDS.includes(kind)) {
    throw new TypeError(`Cannot start a child: there is no permission ${given(kind)}`);
  }
  if (value === true) return true;
  if (value === false || value === undefined) return [];
  const names = Array.isArray(value) ? value.map(nameOf) : [undefined];
  if (names.every(isName)) return names;
  throw new TypeError(
    `Cannot start a child: permission ${kind} is true, false or a list of texts without commas, and ${
      given(value)
    } was given`,
  );
}

function hostOf(module: string): string[] {
  const { protocol, hostname, port } = new URL(module);
  if (protocol !== "https:" && protocol !== "http:") return [];
  return [`${hostname}:${port || (protocol === "https:" ? 443 : 80)}`];
}

function nameOf(value: unknown): unknown {
  if (!(value instanceof URL)) return value;
  return value.protocol === "file:" ? fileURLToPath(value) : value.href;
}

/** A comma would begin another name, and Deno has no way to write one. */
function isName(value: unknown): value is string {
  return typeof value === "string" && value !== "" && !value.includes(",");
}
