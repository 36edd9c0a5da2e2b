/**
 * `status`, `reload` and `stop`: what is asked of a supervisor at its admin port.
 *
 * @module
 */

import { parseArgs } from "node:util";
import { say } from "../box/lifecycle.ts";
import { messageOf } from "../errors.ts";
import { wholeNumber } from "./numbers.ts";
import { type Command, UsageError } from "./usage.ts";

/** Prints the figures of a machine. */
export const statusCommand: Command = command("status", "GET", "prints the figures of its boxes");
/** Replaces its boxes. */
export const reloadCommand: Command = command(
  "reload",
  "POST",
  "replaces its boxes one after another, and fails if a new one does not boot",
);
/** Lets it drain and end. */
export const stopCommand: Command = command("stop", "POST", "lets its boxes drain and ends it");

function command(name: string, method: "GET" | "POST", does: string): Command {
  return {
    summary: `${does}; for a running serve`,
    help:
      `tandem ${name} --admin-port <n>\n\nAsks a running serve at its admin port: ${does}.\n\n` +
      "  --admin-port <n>   what serve was given as --admin-port\n" +
      "  --help             this text",
    run: async (args) => {
      say(await ask(readAdminPort(name, args), name, { method }));
    },
  };
}

/** A supervisor answers sooner, or says why not; what listens there may be something else. */
const LONGEST_ANSWER_MS = 15_000;
/** To change all that there is may take this long. */
const LONGEST_CHANGE_MS = 620_000;

/**
 * Asks at the admin port of a running serve, with `body` as JSON if there is one.
 *
 * @throws {Error} If nobody answers, or the answer is that it cannot be done.
 */
export function askAdmin(port: number, path: string, body?: unknown): Promise<string> {
  const signal = AbortSignal.timeout(body === undefined ? LONGEST_ANSWER_MS : LONGEST_CHANGE_MS);
  if (body === undefined) return ask(port, path, { method: "GET", signal });
  const headers = { "content-type": "application/json" };
  return ask(port, path, { method: "POST", headers, body: JSON.stringify(body), signal });
}

async function ask(port: number, path: string, request: RequestInit): Promise<string> {
  const url = `http://127.0.0.1:${port}/${path}`;
  let response: Response;
  let text: string;
  try {
    response = await fetch(url, request);
    text = (await response.text()).trimEnd();
  } catch (error) {
    if (error instanceof Deno.errors.NotCapable) throw error;
    throw new Error(`Cannot reach ${url}: ${messageOf(error)}`, { cause: error });
  }
  if (!response.ok) throw new Error(text || `Cannot use ${url}: its answer is ${response.status}`);
  return text;
}

function readAdminPort(name: string, args: string[]): number {
  let port: number | undefined;
  try {
    const { values } = parseArgs({ args, options: { "admin-port": { type: "string" } } });
    port = wholeNumber("--admin-port", values["admin-port"], 65535, 1);
  } catch (error) {
    throw error instanceof UsageError ? error : new UsageError(messageOf(error));
  }
  if (port === undefined) {
    throw new UsageError(`${name} needs --admin-port, that of a running serve`);
  }
  return port;
}
