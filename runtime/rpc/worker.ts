/**
 * What runs inside an rpc worker: the functions that its document exports by name.
 *
 * @module
 */

import { messageOf, RuntimeError, toErrorRecord } from "../errors.ts";
import { openSessions } from "../pool/entry/open.ts";
import type { Outcome, TaskRun } from "../pool/entry/runner.ts";
import { findHost } from "../store/hosts.ts";
import { isPlain } from "../store/plain.ts";
import type { WorkerApi, WorkerContext } from "../thread/entry/main.ts";
import { bindRooms } from "../thread/entry/rooms.ts";
import { findForbidden } from "../thread/values.ts";
import type { ThreadType } from "../types/document.ts";
import { byteLength, CallContext, tooLarge } from "./context.ts";
import type { Arguments, RpcCall, RpcReply } from "./messages.ts";
import { RESERVED_NAMES } from "./protocol.ts";

type RpcFunction = (...args: unknown[]) => unknown;

/** Loads the document and makes the worker's functions. */
export function open(context: WorkerContext): WorkerApi {
  const functions = readFunctions(context);
  const rooms = bindRooms(context);
  const threadType = context.config.threadType as ThreadType;
  const { sessions, serve } = openSessions(context, rooms);
  const scheduleReset = () => sessions.scheduleReset();

  async function work(run: TaskRun): Promise<Outcome> {
    const call = run.payload as RpcCall;
    if (call.reset) scheduleReset();
    const fn = functions.get(call.name);
    if (fn === undefined) {
      return reply({ refused: "missing", why: "the document exports no such function" });
    }
    let args: unknown[];
    try {
      args = readArguments(call.args);
    } catch (error) {
      return reply({ refused: "unreadable", why: messageOf(error) });
    }
    const log = rooms.log({ requestId: run.requestId });
    const { session, phases } = await sessions.open(run, () => ({
      store: rooms.store(),
      globals: rooms.globals(),
      threadType,
      log,
    }));
    const own = new CallContext({ run, call, rooms, session, phases, log, scheduleReset });
    let outcome: Outcome;
    try {
      let value: unknown;
      try {
        value = await fn.apply(own, args);
      } finally {
        if (phases.hasShutdown) await phases.beforeSend();
      }
      outcome = answer(call, value, own, scheduleReset);
    } catch (error) {
      // Not the task's own failure, which would take the status of what went wrong below the function.
      sessions.isDue(true);
      outcome = reply({ thrown: toErrorRecord(error) });
    }
    if (phases.pending) outcome.after = () => phases.afterSend(log);
    return outcome;
  }

  return serve(work);
}

/** What can be called: the functions that are exported by name, classes excepted. */
function readFunctions({ documents, config }: WorkerContext): ReadonlyMap<string, RpcFunction> {
  const functions = new Map<string, RpcFunction>();
  for (const [name, value] of Object.entries(documents.main!)) {
    if (typeof value !== "function" || RESERVED_NAMES.has(name)) continue;
    if (/^class\b/.test(Function.prototype.toString.call(value))) continue;
    functions.set(name, value as RpcFunction);
  }
  if (functions.size > 0) return functions;
  throw new RuntimeError(
    "DOCUMENT_INVALID",
    `Cannot use document ${config.options.document}: it must export functions by name, and it exports none`,
  );
}

/** Reads arguments that came as JSON. */
function readArguments(args: Arguments): unknown[] {
  if ("list" in args) return args.list;
  if ("each" in args) {
    return args.each.map((text, index) => parse(text, `p, number ${index + 1} of them,`));
  }
  const value = parse(args.params, "params");
  if (Array.isArray(value)) return value;
  if (typeof value === "object" && value !== null) return Object.values(value);
  throw new TypeError("parameter params must be a JSON array or object");
}

function parse(text: string, name: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new TypeError(`parameter ${name} is not JSON`);
  }
}

/** Brings a value into the form that was asked for. */
function answer(
  { name, output, maxBytes }: RpcCall,
  value: unknown,
  context: CallContext,
  scheduleReset: () => void,
): Outcome {
  const { printed, status } = CallContext.outcome(context);
  if (output === 1) return reply({ status, text: printed });
  let text: string;
  try {
    if (output === 3) {
      checkCarried(value);
      return { value: { status, value } satisfies RpcReply };
    }
    text = toJson(value);
    if (output === 2) text = JSON.stringify({ output: printed, return: text });
  } catch (error) {
    scheduleReset();
    return reply({ unserialisable: messageOf(error) });
  }
  // Up to here nobody has counted bytes, of which a character has three at most.
  if (text.length * 3 > maxBytes && byteLength(text) > maxBytes) {
    throw tooLarge(name, "its value", maxBytes);
  }
  return reply({ status, text });
}

/** Nothing in such a reply is known to the document. */
function reply(value: RpcReply): Outcome {
  return { value, packs: true };
}

function toJson(value: unknown): string {
  if (value === undefined) return "null";
  const text = JSON.stringify(value);
  if (text !== undefined) return text;
  throw new TypeError(`JSON has no form for a ${typeof value}`);
}

/** Refuses what the entry would end the worker for, and what would arrive as something else. */
function checkCarried(value: unknown): void {
  if (isPlain(value)) return;
  const found = findHost(value) ?? findForbidden(structuredClone(value));
  if (found !== undefined) throw new TypeError(`${found} cannot travel`);
}
