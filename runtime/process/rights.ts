/**
 * What this process may do, and whether that is enough to start workers in processes.
 *
 * A child is started with flags, which nothing holds against the rights of whoever starts it, as those of a Worker are:
 * so they are compared here.
 *
 * @module
 */

import { RuntimeError } from "../errors.ts";

/** The field of a descriptor that limits each permission. */
const LIMITS = {
  read: "path",
  write: "path",
  net: "host",
  env: "variable",
  sys: "kind",
  run: "command",
  ffi: "path",
  import: "host",
} as const;

type Kind = keyof typeof LIMITS;

/**
 * Makes sure that this process may start children with these permissions.
 *
 * @throws {RuntimeError} `PERMISSION_MISSING`, naming the flags that this process needs; `PERMISSION_ESCALATION`,
 * naming what a child would be given that this process may not do itself.
 */
export function checkRights(what: string, permissions: Deno.PermissionOptions): void {
  checkMayStart(what);
  checkNoMore(what, permissions);
}

function checkMayStart(what: string): void {
  const needed: [flag: string, descriptor: Deno.PermissionDescriptor][] = [
    ["--allow-run=deno", { name: "run", command: "deno" }],
    ["--allow-env=NODE_V8_COVERAGE", { name: "env", variable: "NODE_V8_COVERAGE" }],
  ];
  const missing = needed.filter(([, descriptor]) => !isGranted(descriptor));
  if (missing.length === 0) return;
  throw new RuntimeError(
    "PERMISSION_MISSING",
    `Cannot start ${what} in a process: run with ${missing.map(([flag]) => flag).join(" ")}`,
  );
}

function checkNoMore(what: string, permissions: Deno.PermissionOptions): void {
  if (permissions === "none") return;
  for (const [kind, value] of Object.entries(permissions as object)) {
    const limit = LIMITS[kind as Kind];
    const asked: unknown[] = value === true ? [undefined] : Array.isArray(value) ? value : [];
    for (const item of asked) {
      const descriptor = { name: kind, ...item === undefined ? {} : { [limit]: item } };
      if (isGranted(descriptor as Deno.PermissionDescriptor)) continue;
      const wanted = item === undefined ? kind : `${kind} of ${item}`;
      throw new RuntimeError(
        "PERMISSION_ESCALATION",
        `Cannot start ${what}: its permissions ${
          JSON.stringify(permissions)
        } exceed the box's own, ` +
          `which do not grant ${wanted}`,
      );
    }
  }
}

function isGranted(descriptor: Deno.PermissionDescriptor): boolean {
  const { state, partial } = Deno.permissions.querySync(descriptor);
  return state === "granted" && !partial;
}
