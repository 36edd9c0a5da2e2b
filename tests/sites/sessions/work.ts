/**
 * Does what a test orders, as a pagelet or as a message.
 *
 * @module
 */

import { report, stain } from "./stains.ts";
import { counts, events, gate, type Kit, type Order, worker } from "./trace.ts";

/** Does it, and says what became of it. */
export async function work(order: Order, kit: Kit): Promise<unknown> {
  const { session, store, log, signal, xbox, onShutdown, onPostSend, onCleanup } = kit;
  switch (order.do) {
    case "look": {
      events.push("handler");
      const { id, requests, locals } = session;
      return { worker, events: events.splice(0), id, requests, locals, ...counts };
    }
    case "phases": {
      onShutdown(() => log.info("T own shutdown"));
      onPostSend(() => log.info("T own post-send"));
      onCleanup(() => log.info("T own cleanup"));
      log.info("T handler");
      if (order.fails === true) throw new RangeError("the handler failed");
      return worker;
    }
    case "shutdown fails": {
      onShutdown(() => log.info("T first"));
      onShutdown(() => {
        throw new RangeError("shutdown failed");
      });
      onShutdown(() => log.info("T never"));
      onPostSend(() => log.info("T post-send"));
      onCleanup(() => log.info("T cleanup"));
      if (order.fails === true) throw new TypeError("the handler failed");
      return worker;
    }
    case "post-send waits": {
      onPostSend(async () => {
        log.info("T post-send waits");
        await gate(store, "post-send");
        log.info("T post-send over");
        throw new RangeError("post-send failed");
      });
      onPostSend(() => log.info("T never"));
      onCleanup(() => log.info("T cleanup"));
      return worker;
    }
    case "throw":
      counts.poisoned = true;
      throw new RangeError("the handler failed");
    case "unclonable":
      counts.poisoned = true;
      if (order.phases === true) onPostSend(() => log.info("T post-send"));
      return () => {};
    case "symbol":
      return Symbol("no value");
    case "reset":
      counts.poisoned = true;
      xbox.scheduleReset();
      return worker;
    case "stuck":
      counts.poisoned = true;
      Object.defineProperty(globalThis, "stuck", { value: 1, configurable: false });
      return worker;
    case "gate":
      log.info(`${order.name} entered`);
      await gate(store, order.name as string);
      return worker;
    case "wait for the signal":
      log.info("waiting for the signal");
      await new Promise((_, reject) => signal.onabort = () => reject(signal.reason));
      return worker;
    case "stain and report":
      await stain(kit);
      return await report(kit, 0);
    case "report":
      return await report(kit, 25);
    default:
      return worker;
  }
}
