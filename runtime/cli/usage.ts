/**
 * What the commands share: their shape, and the error of a mistyped line.
 *
 * @module
 */

/** One command of the command line. */
export interface Command {
  /** One line for the overview. */
  summary: string;
  /** What `--help` prints. */
  help: string;
  /** Does it. */
  run(args: string[]): Promise<void>;
}

/** The command line was wrong; the message says where. */
export class UsageError extends Error {
  override name = "UsageError";
}
