/**
 * A kind of worker that uses resources through the guarded bridge.
 *
 * @module
 */

import * as resources from "../../../runtime/resources/mod.ts";
import type { WorkerApi, WorkerContext } from "../../../runtime/thread/entry/main.ts";

/** Joins, and serves what the test asks for. */
export function open({ config, call }: WorkerContext): WorkerApi {
  resources.joinDesk(config.options.desk as SharedArrayBuffer, call, config.threadId);
  const log: string[] = [];
  return {
    register: (name: string) => {
      const dtor = () => void log.push(`-${name}`);
      const id = resources.allocateId(name, { ctor: () => ({ name }), dtor });
      return [id, resources.resource(id)];
    },
    settle: (id: number) => resources.settled(id),
    close: () => resources.freeThread(),
    log: () => log,
  };
}
