/**
 * Turns messages into values, and fails in every way that a case asks for.
 *
 * @module
 */

import { RuntimeError, type XboxContext } from "../../../mod.ts";

class OwnError extends Error {
  override name = "OwnError";
  readonly code = "E_OWN";
}

const FAILURES: Readonly<Record<string, () => unknown>> = {
  "RangeError with a cause": () =>
    new RangeError("out of range", {
      cause: Object.assign(new TypeError("the cause"), { code: "E_CAUSE" }),
    }),
  "own class": () => new OwnError("mine"),
  text: () => "just text",
  nothing: () => undefined,
  "RuntimeError that looks like the runtime's": () =>
    new RuntimeError("QUEUE_FULL", "not the queue"),
  AbortError: () => new DOMException("stopped", "AbortError"),
};

interface Order {
  do: string;
  value?: unknown;
  name?: string;
}

export default async function processMessage(
  message: unknown,
  { store, xbox, session, signal, from, attempt, key }: XboxContext,
): Promise<unknown> {
  if (typeof message !== "object" || message === null || !("do" in message)) return message;
  const { do: what, value, name } = message as Order;
  switch (what) {
    case "echo":
      return value;
    case "describe":
      return Deno.inspect(value, { depth: 9 });
    case "context":
      return { from, attempt, key, hasSession: session.requests > 0 };
    case "note":
      await store.set(["noted", name!], value);
      return;
    case "function":
      return () => {};
    case "shared":
      return new SharedArrayBuffer(8);
    case "throw":
      throw FAILURES[name!]!();
    case "nest":
      return `(${await xbox.send({ do: "echo", value })})`;
    case "gate":
      await store.set(["gate", name!, "entered"], true);
      while (!await store.has(["gate", name!, "open"])) {
        if (signal.aborted) {
          await store.set(["gate", name!, "aborted"], true);
          throw signal.reason;
        }
        await new Promise((resolve) => setTimeout(resolve, 3));
      }
      return name;
    case "exit":
      Deno.exit(3);
      break;
    default:
      throw new TypeError(`no such order: ${what}`);
  }
}
