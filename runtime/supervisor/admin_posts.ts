/**
 * The part of the admin port that looks after durable messages.
 *
 * @module
 */

import { Hono } from "../deps/hono.ts";
import { messageOf, statusOf } from "../errors.ts";
import { MOST_LETTERS, type PostsQuestion } from "./posts.ts";
import type { Supervisor } from "./supervisor.ts";

/** Most letters that one command names. */
const MOST_IDS = 1000;
const LONGEST_ID = 256;
/** Room for as many ids, however they are written. */
const MOST_BYTES = 2 ** 20;

/** Answers below `/posts`. */
export function postsApp(supervisor: Pick<Supervisor, "askPosts">): Hono {
  const app = new Hono();
  const answer = async (question: PostsQuestion) => {
    try {
      return Response.json(await supervisor.askPosts(question));
    } catch (error) {
      return new Response(`${messageOf(error)}\n`, { status: statusOf(error) });
    }
  };
  app.get("/", () => answer({ what: "count" }));
  app.get("/dead", (c) => {
    const { limit = String(MOST_LETTERS), after } = c.req.query();
    const isNumber = /^\d+$/.test(limit) && Number(limit) >= 1 && Number(limit) <= MOST_LETTERS;
    if (!isNumber) {
      return c.text(`Cannot list dead letters: limit must be from 1 to ${MOST_LETTERS}\n`, 400);
    }
    if (after !== undefined && !isId(after)) {
      return c.text("Cannot list dead letters: after must be an id of the list\n", 400);
    }
    return answer({ what: "dead", limit: Number(limit), after });
  });
  for (const what of ["retry", "clear"] as const) {
    app.post(`/${what}`, async (c) => {
      const ids = readIds(await readJson(c.req.raw.body));
      if (ids === undefined) {
        return c.text(
          `Cannot ${what} dead letters: {"ids": [...]} with 1 to ${MOST_IDS} of them, or ` +
            `{"ids": "all"}, is needed\n`,
          400,
        );
      }
      return answer({ what, ids });
    });
  }
  return app;
}

/** Reads a short body; nothing if it is long, or no JSON. */
async function readJson(body: ReadableStream<Uint8Array> | null): Promise<unknown> {
  const chunks: Uint8Array<ArrayBuffer>[] = [];
  let bytes = 0;
  try {
    for await (const chunk of body ?? []) {
      bytes += chunk.length;
      if (bytes > MOST_BYTES) return undefined;
      chunks.push(new Uint8Array(chunk));
    }
    return JSON.parse(await new Blob(chunks).text());
  } catch {
    return undefined; // refused as what it is not
  }
}

function readIds(body: unknown): string[] | "all" | undefined {
  if (typeof body !== "object" || body === null) return undefined;
  const { ids } = body as { ids?: unknown };
  if (ids === "all") return ids;
  if (!Array.isArray(ids) || ids.length === 0 || ids.length > MOST_IDS) return undefined;
  return ids.every(isId) ? ids as string[] : undefined;
}

function isId(value: unknown): boolean {
  return typeof value === "string" && value !== "" && value.length <= LONGEST_ID;
}
