/**
 * Threads in Workers of this process: quick to start and to talk to, and not to be stopped when they spin.
 *
 * @module
 */

import { RECORD_LIMITS, RuntimeError } from "../errors.ts";
import { bootstrapUrl } from "./bootstrap.ts";
import type { Carrier, CarrierEvents, CarrierStart } from "./carrier.ts";

const GONE = Promise.resolve();

/** Starts a Worker with permissions of its own. */
export function startWorkerCarrier(start: CarrierStart, events: CarrierEvents): Carrier {
  const worker = newWorker(start);
  worker.onmessage = (event) => events.onMessage(event);
  worker.onmessageerror = () => events.onViolation("sent a message that cannot be read");
  worker.onerror = (event) => {
    event.preventDefault();
    events.onFailed(event.message.slice(0, RECORD_LIMITS.text));
  };
  return {
    stops: false,
    gone: GONE,
    post: (message, transfer) => worker.postMessage(message, transfer),
    terminate: () => worker.terminate(),
  };
}

function newWorker({ name, modules, permissions }: CarrierStart): Worker {
  try {
    const options = { type: "module", name, deno: { permissions } } as WorkerOptions;
    return new Worker(bootstrapUrl(modules), options);
  } catch (cause) {
    if (!(cause instanceof Deno.errors.NotCapable)) throw cause;
    throw new RuntimeError(
      "PERMISSION_ESCALATION",
      `Cannot start worker "${name}": its permissions ${
        JSON.stringify(permissions)
      } exceed the box's own`,
      { cause },
    );
  }
}
