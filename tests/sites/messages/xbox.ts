/**
 * Turns messages into values, and fails in every way that a test asks for.
 *
 * @module
 */

import type { XboxContext } from "../../../mod.ts";

interface Order {
  do: string;
  value?: unknown;
  levels?: number;
  name?: string;
}

const later = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

export default async function processMessage(
  message: unknown,
  { store, xbox, session, signal, log, from, attempt }: XboxContext,
): Promise<unknown> {
  if (typeof message !== "object" || message === null) return `got ${JSON.stringify(message)}`;
  if (!("do" in message)) return message;
  const order = message as Order;
  switch (order.do) {
    case "echo":
      return order.value;
    case "context":
      return { from, attempt, locals: session.locals, requests: session.requests };
    case "function":
      return () => {};
    case "shared":
      return new SharedArrayBuffer(8);
    case "throw":
      throw new RangeError("out of range", {
        cause: Object.assign(new TypeError("the cause"), { code: "E_CAUSE" }),
      });
    case "throw as the runtime does":
      throw Object.assign(new Error("below"), { name: "RuntimeError", code: order.name });
    case "throw text":
      throw "just text";
    case "nest":
      if (order.levels === 0) return "leaf";
      return `(${await xbox.send({ do: "nest", levels: order.levels! - 1 })})`;
    case "gate":
      log.info(`${order.name} entered`);
      while (!await store.has(["gate", order.name!])) {
        if (signal.aborted) {
          log.info(`${order.name} aborted`);
          throw signal.reason;
        }
        await later(3);
      }
      log.info(`${order.name} passed`);
      return order.name;
    case "give up another": {
      const other = xbox.start({ do: "gate", name: order.name });
      while (!await store.has(["given up", order.name!])) await later(3);
      other.cancel("enough");
      return (await other.result()).code;
    }
    case "exit":
      return self.close();
    case "crash":
      setTimeout(() => {
        throw new Error("nobody catches this");
      });
      return await new Promise(() => {});
    default:
      throw new TypeError(`no such order: ${order.do}`);
  }
}
