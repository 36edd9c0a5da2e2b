/**
 * Sites whose pagelets and messages do the same, so that one table holds for both.
 *
 * @module
 */

import assert from "node:assert/strict";
import type { PoolOptions, SessionPolicy, SiteOptions, TandemVariables } from "../../../mod.ts";
import type { Order } from "../../sites/sessions/trace.ts";
import { fixture, open as openSite } from "../http/support.ts";

/** The kinds of pools that are told from each other here. */
export const KINDS = ["pagelets", "xbox"] as const;
/** A kind of pool. */
export type Kind = (typeof KINDS)[number];
/** Every policy. */
export const POLICIES: readonly SessionPolicy[] = ["request", "restore", "keep", "fresh"];

/** What the workers of a pool run in. */
export const ISOLATIONS = ["thread", "process"] as const;

/** What became of an order. */
export interface Done<T = unknown> {
  /** Status of the answer. */
  code: number;
  /** What came. */
  value: T;
  /** Code of the error, if the answer is one of the runtime's own. */
  error: unknown;
}

/** What `look` tells. */
export interface Look {
  worker: string;
  events: string[];
  id: string;
  requests: number;
  locals: Record<string, unknown>;
  calls: number;
  poisoned: boolean;
}

/** Opens a site with one pool of this kind; options of the pool and of the site may be added. */
export async function open(
  kind: Kind,
  session: SessionPolicy,
  pool: Partial<PoolOptions> = {},
  options: SiteOptions = {},
) {
  const document = fixture(`sessions/${kind}.ts`);
  const site = await openSite({
    requestInit: { document: fixture("sessions/init.ts"), function: "initRequest" },
    ...options,
    [kind]: {
      document,
      session,
      workers: 1,
      graceMs: 5_000,
      deadlineMs: 8_000,
      isolation: Deno.env.get("ISO") as "thread" ?? "thread",
      ...pool,
    },
  });
  const ask = <T = unknown>(order: Order | string): Promise<Done<T>> =>
    site.run((variables) => askIn<T>(variables, kind, order));
  return {
    site,
    /** Has an order done and tells what became of it. */
    ask,
    /** Asks who answers. */
    look: async (): Promise<Look> => {
      const { code, value } = await ask<Look>("look");
      assert.equal(code, 200);
      return value;
    },
    set: (key: string, value: unknown) => site.run(({ store }) => store.set(key, value)),
    open: (name: string) => site.run(({ store }) => store.set(["gate", name], true)),
    /** What the documents have traced, in order. */
    trace: () =>
      site.log.lines.filter(({ message }) => message.startsWith("T ")).map(({ message }) =>
        message.slice(2)
      ),
    pool: () => site.pool(kind),
    [Symbol.asyncDispose]: () => site[Symbol.asyncDispose](),
  };
}

/** Has an order done from within a page. */
export async function askIn<T>(
  { pagelets, xbox }: TandemVariables,
  kind: Kind,
  given: Order | string,
): Promise<Done<T>> {
  const order = typeof given === "string" ? { do: given } : given;
  if (kind === "xbox") {
    const { code, value, error } = await xbox.start<T>(order).result();
    return { code, value: value!, error: codeOf(error) };
  }
  const path = order.do === "status" ? `/status/${order.status}?thrown=${order.thrown}` : "/do";
  const task = pagelets.start(path, { body: JSON.stringify(order) });
  const response = await task.response();
  const text = await response.text();
  const value = response.ok ? JSON.parse(text) : text;
  return { code: response.status, value, error: codeOf(task.error) };
}

function codeOf(error: Error | undefined): unknown {
  return error === undefined ? undefined : (error as { code?: unknown }).code ?? error.name;
}
