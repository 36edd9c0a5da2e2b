/**
 * How errors cross Comlink: as {@linkcode ErrorRecord}s, so that class, `code` and `cause` survive.
 *
 * Comlink's own handler keeps name, message and stack only, and would send any thrown value as it is.
 *
 * @module
 */

import { type TransferHandler, transferHandlers } from "../deps/comlink.ts";
import { type ErrorRecord, fromErrorRecord, toErrorRecord } from "../errors.ts";

/** A thrown value as Comlink holds it before it is sent. */
interface Thrown {
  value: unknown;
}

/** A thrown value on the wire. */
export interface ThrownRecord {
  /** Always true: whatever was thrown has become an error. */
  isError: true;
  /** The error. */
  value: ErrorRecord;
}

let installed = false;

/** Lets errors of this isolate travel as records. Doing it again changes nothing. */
export function installErrorTransfer(): void {
  // Each wrap of the handler would stand in the way of every call that follows.
  if (installed) return;
  installed = true;
  const handler = transferHandlers.get("throw") as unknown as TransferHandler<Thrown, ThrownRecord>;
  transferHandlers.set(
    "throw",
    {
      canHandle: (value: unknown): value is Thrown => handler.canHandle(value),
      serialize: ({ value }: Thrown) => [{ isError: true, value: toErrorRecord(value) }, []],
      deserialize: ({ value }: ThrownRecord) => {
        throw fromErrorRecord(value);
      },
    } as unknown as TransferHandler<unknown, unknown>,
  );
}
