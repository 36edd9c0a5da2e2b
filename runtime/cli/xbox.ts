/**
 * `xbox`: figures of durable messages, and those that were given up, asked for at a supervisor's admin port.
 *
 * @module
 */

import { parseArgs } from "node:util";
import { say } from "../box/lifecycle.ts";
import { given } from "../checks.ts";
import { messageOf } from "../errors.ts";
import { askAdmin } from "./admin.ts";
import { wholeNumber } from "./numbers.ts";
import { type Command, UsageError } from "./usage.ts";

const ACTIONS = ["posts", "dead", "retry", "clear"] as const;
const MOST_LETTERS = 100;
const MOST_IDS = 1000;

/** The command. */
export const xboxCommand: Command = {
  summary: "looks after durable messages; for a running serve",
  help: `tandem xbox <action> --admin-port <n>

Asks a running serve at its admin port about durable messages.

  posts              prints how many wait, run and were given up, and the age of the oldest
  dead               prints messages that were given up, one a line
    --limit <n>        at most so many, up to ${MOST_LETTERS} (default ${MOST_LETTERS})
    --after <id>       only those behind this one
  retry <id…>        lets messages that were given up be tried anew; --all for all of them
  clear <id…>        removes messages that were given up; --all for all of them

  --admin-port <n>   what serve was given as --admin-port
  --help             this text`,
  run: async (args) => {
    const { action, port, path, body } = read(args);
    const text = await askAdmin(port, path, body);
    if (action === "posts") return say(text);
    const value = parse(text);
    if (action !== "dead") {
      if (!Number.isInteger(value)) throw notUnderstood(text);
      return say(`${value} ${action === "retry" ? "to be tried anew" : "removed"}`);
    }
    if (!Array.isArray(value)) throw notUnderstood(text);
    const letters: unknown[] = value;
    say(
      letters.length === 0
        ? "There are none"
        : letters.map((one) => JSON.stringify(one)).join("\n"),
    );
  },
};

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw notUnderstood(text);
  }
}

function notUnderstood(text: string): Error {
  return new Error(`Cannot understand the answer: is this an admin port? ${given(text)}`);
}

interface Asked {
  action: typeof ACTIONS[number];
  port: number;
  path: string;
  body?: unknown;
}

function read(args: string[]): Asked {
  let parsed;
  try {
    parsed = parseArgs({
      args,
      allowPositionals: true,
      options: {
        "admin-port": { type: "string" },
        all: { type: "boolean" },
        limit: { type: "string" },
        after: { type: "string" },
      },
    });
  } catch (error) {
    throw new UsageError(messageOf(error));
  }
  const { values, positionals: [name, ...ids] } = parsed;
  const action = ACTIONS.find((one) => one === name);
  if (action === undefined) {
    const found = name === undefined ? "none was given" : `${JSON.stringify(name)} was given`;
    throw new UsageError(`xbox needs an action, one of ${ACTIONS.join(", ")}, and ${found}`);
  }
  const changes = action === "retry" || action === "clear";
  if (changes && (values.all === true) === (ids.length > 0)) {
    throw new UsageError(`xbox ${action} needs the ids of messages, or --all`);
  }
  if (ids.length > MOST_IDS) {
    throw new UsageError(
      `xbox ${action} takes ${MOST_IDS} ids at most, and ${ids.length} were given`,
    );
  }
  if (ids.includes("") || values.after === "") {
    throw new UsageError(`xbox ${action} was given an id without characters`);
  }
  if (!changes && (values.all || ids.length > 0)) {
    throw new UsageError(`xbox ${action} takes no ids and no --all`);
  }
  if (action !== "dead" && (values.limit !== undefined || values.after !== undefined)) {
    throw new UsageError(`xbox ${action} takes no --limit and no --after`);
  }
  const port = wholeNumber("--admin-port", values["admin-port"], 65535, 1);
  if (port === undefined) throw new UsageError("xbox needs --admin-port, that of a running serve");
  if (changes) {
    return { action, port, path: `posts/${action}`, body: { ids: values.all ? "all" : ids } };
  }
  if (action === "posts") return { action, port, path: "posts" };
  const limit = wholeNumber("--limit", values.limit, MOST_LETTERS, 1) ?? MOST_LETTERS;
  const query = new URLSearchParams({ limit: String(limit) });
  if (values.after !== undefined) query.set("after", values.after);
  return { action, port, path: `posts/dead?${query}` };
}
