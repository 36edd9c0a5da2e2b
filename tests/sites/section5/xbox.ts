/**
 * Does what a test asks for, and tells which worker did it.
 *
 * @module
 */

import type { Store, XboxContext } from "../../../mod.ts";

interface Order {
  do: string;
  ms?: number;
  code?: number;
  value?: unknown;
  name?: string;
}

const worker = crypto.randomUUID();
const scope = globalThis as unknown as { left?: unknown };

const soon = (ms = 3) => new Promise((resolve) => setTimeout(resolve, ms));

async function gate(store: Store, name: string): Promise<void> {
  while (!await store.has(["gate", name])) await soon();
}

export default async function processMessage(...args: unknown[]): Promise<unknown> {
  const [message, context] = args as [unknown, XboxContext];
  const { store, xbox, session, log, signal, from, attempt, threadType } = context;
  if (typeof message !== "object" || message === null) {
    return { message, given: args.length };
  }
  const order = message as Order;
  switch (order.do) {
    case "echo":
      return order.value;
    case "nothing":
      return;
    case "change":
      (order.value as unknown[]).push("changed");
      return order.value;
    case "context":
      return {
        from,
        attempt,
        threadType,
        requests: session.requests,
        locals: session.locals,
        global: scope.left,
        names: Object.keys(context).sort(),
      };
    case "leave a global":
      return scope.left = order.value;
    case "age":
      return { worker, time: xbox.threadTime(), timeout: xbox.threadTimeout() };
    case "set age":
      xbox.setThreadTimeout(order.ms!);
      return worker;
    case "reset":
      xbox.scheduleReset();
      return worker;
    case "throw":
      throw new RangeError("the handler failed");
    case "exit":
      return Deno.exit(order.code);
    case "close":
      self.close();
      return await new Promise(() => {});
    case "close with a neighbour": {
      const neighbour = xbox.send({ do: "gate", name: "never" });
      await store.set(["gate", "begun"], true);
      return await neighbour;
    }
    case "reject":
      Promise.reject(new RangeError("nobody heard"));
      return await new Promise(() => {});
    case "reject later":
      // A timer would end with the message.
      store.get("nothing").then(() => Promise.reject(new RangeError("nobody heard later")));
      return worker;
    case "unclonable":
      return { inside: () => {} };
    case "gate":
      log.info(`${order.name} entered`);
      if (order.name === "never") {
        await gate(store, "begun");
        self.close();
      }
      signal.onabort = () => log.info(`${order.name} aborted`);
      await gate(store, order.name!);
      signal.throwIfAborted();
      log.info(`${order.name} passed`);
      await store.set(["done", order.name!], true);
      return order.name;
    case "number":
      log.info(`number ${order.value}`);
      return order.value;
    case "post-send":
      context.onShutdown(() => log.info("shutdown"));
      context.onPostSend(async () => {
        log.info("post-send begins");
        await gate(store, "post-send");
        log.info("post-send ends");
      });
      return worker;
    case "fan out": {
      const asked = xbox.fanOut({ do: "echo", value: order.value }, { to: [""] });
      const seen: unknown[] = [];
      for await (const { to, code, value } of asked) seen.push([to, code, value]);
      return [seen, await asked.values()];
    }
    default:
      throw new TypeError(`no such order: ${order.do}`);
  }
}
