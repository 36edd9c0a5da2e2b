/**
 * Messages that were given up: reading them, trying them anew, and removing them.
 *
 * @module
 */

import { given } from "../../checks.ts";
import { parseErrorRecord } from "../../errors.ts";
import { removeParts } from "../../store/chunks.ts";
import type { Row } from "../../store/engine.ts";
import type { DeadLetter, PostsAdmin } from "../../types/posts.ts";
import { decodeMessage, dropParts, isReadable, loadPayload, partsOf, toHeld } from "./body.ts";
import type { Intake } from "./intake.ts";
import type { QueueRoom } from "./room.ts";
import { DEAD, deadRow, messageRow, readRow, type Why, whyRow } from "./rows.ts";

const LIMIT = 100;
const MOST_AT_ONCE = 1000;
const UNKNOWN = { name: "Error", message: "It is not known why" };

/** The dead letters of one queue. */
export class Letters {
  readonly #room: QueueRoom;
  readonly #intake: Intake;

  /** Tries letters anew through `intake`. */
  constructor(room: QueueRoom, intake: Intake) {
    this.#room = room;
    this.#intake = intake;
  }

  /** Reads letters; see `PostsAdmin.dead`. */
  async list(
    { limit = LIMIT, after, maxBytes = Infinity }: Parameters<PostsAdmin["dead"]>[0] = {},
  ): Promise<DeadLetter[]> {
    if (!Number.isInteger(limit) || limit < 1 || limit > MOST_AT_ONCE) {
      throw new RangeError(
        `Cannot list dead letters: limit must be a whole number from 1 to ${MOST_AT_ONCE}, and ${
          given(limit)
        } was given`,
      );
    }
    if (after !== undefined && (typeof after !== "string" || after === "")) {
      throw new TypeError(
        `Cannot list dead letters: after must be an id of the list, and ${given(after)} was given`,
      );
    }
    if (typeof maxBytes !== "number" || !(maxBytes >= 0)) {
      throw new TypeError(
        `Cannot list dead letters: maxBytes must be a number of bytes, and ${
          given(maxBytes)
        } was given`,
      );
    }
    const ids = await this.#ids(limit, after);
    const { engine } = this.#room;
    const [messages, whys] = await Promise.all([
      engine.read(ids.map(messageRow)),
      engine.read(ids.map(whyRow)),
    ]);
    const letters = await Promise.all(
      ids.map((id, index) => this.#letter(id, messages[index]!, whys[index]!, maxBytes)),
    );
    return letters.filter((letter) => letter !== undefined);
  }

  /** Tries letters anew; see `PostsAdmin.retry`. */
  retry(ids: readonly string[] | "all"): Promise<number> {
    return this.#each("retry", ids, async (id, dead, message) => {
      const { body } = toHeld(message.value, message.versionstamp);
      // It would come back without its bytes.
      if (!isReadable(body!)) return false;
      const at = this.#room.now();
      const placed = { ...body!, meta: { ...body!.meta, at, place: undefined } };
      const isIn = await this.#intake.enter(id, placed, {
        checks: [dead, message],
        writes: [{ key: dead.key, value: null }, { key: whyRow(id), value: null }],
      });
      // It has come as a message, and gone as a letter.
      if (isIn) this.#room.census.removed();
      return isIn;
    });
  }

  /** Removes letters; see `PostsAdmin.clear`. */
  clear(ids: readonly string[] | "all"): Promise<number> {
    return this.#each("clear", ids, async (id, dead, message) => {
      const { engine, commits, census, now } = this.#room;
      const { meta } = toHeld(message.value, message.versionstamp).body!;
      const version = await commits.make({
        // The copy of a repeated message may have been replaced meanwhile, with its parts.
        checks: [dead, message],
        writes: [
          ...[dead.key, whyRow(id), message.key].map((key) => ({ key, value: null })),
          ...dropParts(meta, now()),
        ],
      });
      if (version === null) return false;
      census.removed();
      const parts = partsOf(meta);
      // What fails here the store's own upkeep makes up for.
      if (parts) await removeParts(engine, parts.id, parts.count).catch(() => {});
      return true;
    });
  }

  /** Does something with each letter; resolves to how many it was done with. */
  async #each(
    verb: string,
    ids: readonly string[] | "all",
    work: (id: string, dead: Row, message: Row) => Promise<boolean>,
  ): Promise<number> {
    if (ids !== "all" && !(Array.isArray(ids) && ids.every(isId))) {
      throw new TypeError(
        `Cannot ${verb} dead letters: ids of the list or "all" are needed, and ${
          given(ids)
        } was given`,
      );
    }
    let count = 0;
    let after: string | undefined;
    let left = ids === "all" ? [] : [...new Set(ids)];
    while (true) {
      const some = ids === "all" ? await this.#ids(LIMIT, after) : left.slice(0, LIMIT);
      if (some.length === 0) return count;
      after = some.at(-1);
      left = left.slice(LIMIT);
      const { engine } = this.#room;
      const rows = await engine.read([...some.map(deadRow), ...some.map(messageRow)]);
      const done = await Promise.all(some.map((id, index) => {
        const [dead, message] = [rows[index]!, rows[some.length + index]!];
        return dead.value !== null && message.value !== null && work(id, dead, message);
      }));
      count += done.filter((one) => one).length;
    }
  }

  async #ids(limit: number, after: string | undefined): Promise<string[]> {
    const ids: string[] = [];
    const from = after === undefined ? undefined : deadRow(after);
    for await (const { key } of this.#room.engine.scan(DEAD, from, limit)) {
      ids.push(key[DEAD.length] as string);
      if (ids.length === limit) break;
    }
    return ids;
  }

  async #letter(
    id: string,
    message: Row,
    why: Row,
    maxBytes: number,
  ): Promise<DeadLetter | undefined> {
    const { body } = toHeld(message.value, message.versionstamp);
    // It was removed, or is tried anew, by now.
    if (body === undefined || why.value === null) return undefined;
    const { at, tries, error } = readRow<Why>(why.value);
    const { key, to, acceptedAt } = body.meta;
    const bytes = body.meta.parts?.bytes ?? body.payload.length;
    let content: unknown;
    try {
      if (bytes <= maxBytes) content = decodeMessage(await loadPayload(this.#room.engine, body));
    } catch {
      content = undefined; // as the list says
    }
    return {
      ...{ id, key, to, acceptedAt, attempts: tries, diedAt: at },
      error: parseErrorRecord(error) ?? UNKNOWN,
      bytes,
      message: content,
    };
  }
}

function isId(id: unknown): boolean {
  return typeof id === "string" && id !== "";
}
