/**
 * Permissions as command-line flags.
 *
 * @module
 */

const NAMES = ["read", "write", "net", "env", "sys", "run", "ffi", "import"] as const;

/**
 * Writes permissions as flags of a child process. There is always at least one, which refuses to run programs if they do.
 *
 * @throws {TypeError} for `"inherit"`, since a process cannot list what it may do itself
 */
export function permissionFlags(permissions: Deno.PermissionOptions): string[] {
  if (permissions === "none") return ["--deny-run"];
  if (permissions === "inherit") throw inherited("permissions");
  const flags: string[] = [];
  for (const [name, value] of Object.entries(permissions)) {
    if (!(NAMES as readonly string[]).includes(name)) {
      throw new TypeError(`Cannot start a child process: there is no permission "${name}"`);
    }
    if (value === "inherit") throw inherited(`permissions.${name}`);
    if (value === true) flags.push(`--allow-${name}`);
    else if (Array.isArray(value) && value.length > 0) {
      flags.push(`--allow-${name}=${value.map(flagValue).join(",")}`);
    }
  }
  if (!flags.some((flag) => flag.startsWith("--allow-run"))) flags.push("--deny-run");
  return flags;
}

/** Adds the hosts that a child loads its own modules from, which a process may not do by itself. */
export function allowHosts(flags: readonly string[], modules: readonly string[]): string[] {
  const remote = modules.map((module) => new URL(module)).filter(({ protocol }) =>
    protocol === "http:" || protocol === "https:"
  );
  if (remote.length === 0 || flags.includes("--allow-import")) return [...flags];
  const hosts = [
    ...new Set(
      remote.map(({ protocol, hostname, port }) =>
        `${hostname}:${port || (protocol === "http:" ? 80 : 443)}`
      ),
    ),
  ].join(",");
  const given = flags.find((flag) => flag.startsWith("--allow-import="));
  const others = flags.filter((flag) => flag !== given);
  return [...others, given === undefined ? `--allow-import=${hosts}` : `${given},${hosts}`];
}

function flagValue(value: unknown): string {
  const text = value instanceof URL
    ? value.protocol === "file:" ? decodeURIComponent(value.pathname) : value.href
    : String(value);
  // In a flag, a comma separates and two commas stand for one.
  return text.replaceAll(",", ",,");
}

function inherited(field: string): TypeError {
  return new TypeError(
    `Cannot start a child process: "${field}" is "inherit", and a process needs its permissions named`,
  );
}
