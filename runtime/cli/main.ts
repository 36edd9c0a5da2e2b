/**
 * The command line: finds the command and reports bad usage in one line, with exit status 2.
 *
 * @module
 */

import { exitWith, say } from "../box/lifecycle.ts";
import { messageOf } from "../errors.ts";
import { reloadCommand, statusCommand, stopCommand } from "./admin.ts";
import { boxCommand } from "./box.ts";
import { serveCommand } from "./serve.ts";
import { type Command, UsageError } from "./usage.ts";
import { xboxCommand } from "./xbox.ts";

const COMMANDS: Readonly<Record<string, Command>> = {
  serve: serveCommand,
  status: statusCommand,
  reload: reloadCommand,
  stop: stopCommand,
  xbox: xboxCommand,
  box: boxCommand,
};

/** Runs the command that `args` name; ends the process when it fails. */
export async function main(args: string[]): Promise<void> {
  try {
    const [name, ...rest] = args;
    if (name === undefined || name === "--help" || name === "-h" || name === "help") {
      return say(overview());
    }
    const command = Object.hasOwn(COMMANDS, name) ? COMMANDS[name]! : undefined;
    if (command === undefined) {
      throw new UsageError(
        `there is no command ${JSON.stringify(name)}; there are ${
          Object.keys(COMMANDS).join(", ")
        }`,
      );
    }
    if (rest.includes("--help") || rest.includes("-h")) return say(command.help);
    await command.run(rest);
  } catch (error) {
    const bad = error instanceof UsageError;
    const line = messageOf(error).replace(/\s*\n\s*/g, " ");
    exitWith(`tandem: ${line}${bad ? " (--help shows the usage)" : ""}`, bad ? 2 : 1);
  }
}

function overview(): string {
  const lines = Object.entries(COMMANDS).map(([name, { summary }]) =>
    `  ${name.padEnd(10)}${summary}`
  );
  return `tandem <command> [options]\n\n${lines.join("\n")}\n\ntandem <command> --help tells more.`;
}
