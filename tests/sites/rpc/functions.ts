/**
 * Functions that can be called from outside, and exports that cannot.
 *
 * @module
 */

import type { RpcContext } from "../../../mod.ts";

let calls = 0;
const later = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

/** Its arguments, and how many there were. */
export function echo(...args: unknown[]): unknown {
  return { args, count: args.length };
}

export function add(a: number, b: number): number {
  return a + b;
}

export async function same<T>(value: T): Promise<T> {
  await undefined;
  return value;
}

export function nothing(): void {}

export function makes(
  what: "bigint" | "cycle" | "function" | "url" | "shared" | "symbol",
): unknown {
  const cycle: Record<string, unknown> = {};
  cycle.self = cycle;
  switch (what) {
    case "bigint":
      return { n: 1n };
    case "cycle":
      return cycle;
    case "function":
      return () => {};
    case "url":
      return { url: new URL("http://localhost") };
    case "shared":
      return new Uint8Array(new SharedArrayBuffer(4));
    case "symbol":
      return Symbol("s");
  }
}

export function text(length: number): string {
  return "€".repeat(length);
}

export function prints(this: RpcContext, ...lines: string[]): number {
  for (const line of lines) this.print(line);
  return lines.length;
}

export function answers(this: RpcContext, status: number): string {
  this.status(status);
  return `status ${status}`;
}

export function fails(kind?: string): never {
  if (kind === "empty") throw new Error("");
  if (kind === "text") throw "just text";
  if (kind === "busy") {
    throw Object.assign(new Error("a queue below is full"), {
      name: "RuntimeError",
      code: "QUEUE_FULL",
    });
  }
  throw new RangeError("out of range", {
    cause: Object.assign(new TypeError("the cause"), { code: "E_CAUSE" }),
  });
}

/** What one worker counts, and where. */
export function counts(this: RpcContext): unknown {
  calls++;
  const seen = (this.session.locals.seen ??= { n: 0 }) as { n: number };
  seen.n++;
  const scope = globalThis as unknown as { left?: number };
  const left = scope.left;
  scope.left = calls;
  return {
    calls,
    requests: this.session.requests,
    session: this.session.id,
    locals: structuredClone(this.session.locals),
    left: left ?? null,
  };
}

export function schedules(this: RpcContext): string {
  this.scheduleReset();
  return this.session.id;
}

/** What a function knows of its box. */
export async function knows(this: RpcContext): Promise<unknown> {
  await this.store.set("from rpc", true);
  this.log.info("a function writes", { has: this.globals.has("none") });
  return {
    stored: await this.store.get("from rpc"),
    message: await this.xbox.send("text"),
    pagelets: this.pagelets.enabled,
    id: typeof this.requestId,
    stopping: this.server.isStopping,
  };
}

/** Waits until the store has the name, or the call ends. */
export async function gate(this: RpcContext, name: string): Promise<string> {
  this.log.info(`${name} entered`);
  while (!await this.store.has(["gate", name])) {
    if (this.signal.aborted) {
      this.log.info(`${name} aborted`);
      throw this.signal.reason;
    }
    await later(3);
  }
  this.log.info(`${name} passed`);
  return name;
}

/** Runs every phase. */
export function phases(this: RpcContext, name: string): string {
  this.onShutdown(() => {
    this.log.info(`${name} shutdown`);
    if (name === "bad") throw new Error("shutdown failed");
  });
  this.onPostSend(() => this.log.info(`${name} post-send`));
  this.onCleanup(() => this.log.info(`${name} cleanup`));
  this.waitUntil(later(1).then(() => this.log.info(`${name} waited`)));
  return name;
}

export function exits(): never {
  Deno.exit(3);
}

export function spins(): never {
  for (;;);
}

/** No functions: data, a class, and names that belong to the language. */
export const secret = "not a function";
export class Secret {}
function hidden(): string {
  return "hidden";
}
export { hidden as __proto__, hidden as constructor, hidden as prototype };
export { hidden as toJSON };
export default hidden;
