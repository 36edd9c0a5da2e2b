/**
 * The port that a program listens on.
 *
 * @module
 */

const DEFAULT_PORT = 8000;

/**
 * The port that was asked for: by an option, else the program's `--port`, else the environment's `PORT`, else 8000.
 *
 * @throws {RangeError} If it is not one.
 */
export function readPort(option: number | undefined): number {
  const [source, value] = option !== undefined
    ? ["port", option]
    : portArgument() ?? portVariable() ?? ["port", DEFAULT_PORT];
  const port = typeof value === "string" && value.trim() !== "" ? Number(value) : value;
  if (Number.isInteger(port) && (port as number) >= 0 && (port as number) <= 65535) {
    return port as number;
  }
  throw new RangeError(
    `Cannot listen: ${source} must be a port from 0 to 65535, and ${
      JSON.stringify(value)
    } was given`,
  );
}

function portArgument(): [string, string] | undefined {
  for (const [index, argument] of Deno.args.entries()) {
    if (argument === "--port") return ["--port", Deno.args[index + 1] ?? ""];
    if (argument.startsWith("--port=")) return ["--port", argument.slice("--port=".length)];
  }
  return undefined;
}

function portVariable(): [string, string] | undefined {
  // Asking without the permission would prompt or throw; a box that may not read PORT has none.
  const { state } = Deno.permissions.querySync({ name: "env", variable: "PORT" });
  const value = state === "granted" ? Deno.env.get("PORT") : undefined;
  return value === undefined || value === "" ? undefined : ["PORT", value];
}
