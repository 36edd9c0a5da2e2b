/**
 * What can go wrong with resources, one class for each thing that callers tell apart.
 *
 * @module
 */

import { RuntimeError } from "../errors.ts";

/** A true global was to be written after the globals had been sealed; its code is `GLOBALS_SEALED`. */
export class TrueGlobalError extends RuntimeError {
  /** Makes one with a message for people. */
  constructor(message: string) {
    super("GLOBALS_SEALED", message);
    this.name = "TrueGlobalError";
  }
}

/** This thread has no constructor for a resource that others have; its code is `RESOURCE_MISSING`. */
export class MissingResourceError extends RuntimeError {
  /** The name of the resource. */
  readonly resource: string;

  /** Makes one for the resource of this name; `cause` is why its module did not load, if that is why. */
  constructor(resource: string, state: string, options?: ErrorOptions) {
    super("RESOURCE_MISSING", `Cannot make resource "${resource}": ${state}`, options);
    this.name = "MissingResourceError";
    this.resource = resource;
  }
}

/** A request's resource was asked for by work that outlived the request; its code is `REQUEST_ENDED`. */
export class RequestEndedError extends RuntimeError {
  /** Makes one for the resource of this name. */
  constructor(resource: string) {
    super("REQUEST_ENDED", `Cannot use resource "${resource}": its request has ended`);
    this.name = "RequestEndedError";
  }
}

/** A request's resource was asked for where no request runs; its code is `NO_REQUEST`. */
export class NoRequestError extends RuntimeError {
  /** Makes one for the resource of this name. */
  constructor(resource: string) {
    super("NO_REQUEST", `Cannot use resource "${resource}": no request runs here`);
    this.name = "NoRequestError";
  }
}

/** Throws what destructors threw, all of it, if they threw anything. */
export function throwAll(errors: readonly unknown[], what: string): void {
  if (errors.length === 0) return;
  const count = errors.length === 1
    ? "1 of the destructors"
    : `${errors.length} of the destructors`;
  throw new AggregateError(errors, `${what}: ${count} threw`);
}
