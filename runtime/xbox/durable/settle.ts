/**
 * What becomes of a message after an attempt, in one commit that holds only while this box has its lease.
 *
 * @module
 */

import { messageOf } from "../../errors.ts";
import { removeParts } from "../../store/chunks.ts";
import { type Held, type Meta, partsOf, toHeld } from "./body.ts";
import type { Lease } from "./lease.ts";
import { type Attempt, type Outcome, type Plan, planSettlement } from "./plan.ts";
import { pauseFor, type QueueRoom, troublePause } from "./room.ts";
import { messageRow } from "./rows.ts";

/** What was done. */
export interface Settled {
  /** What has become of the message; `lost`: another box has it, `left`: the queue was closed first. */
  what: Plan["what"] | "lost" | "left";
  /** When it is tried again, in milliseconds since the epoch. */
  at?: number;
  /** The next of its line, which this box now has. */
  next?: Lease;
}

/** Most milliseconds between two tries to settle that others got in the way of. */
const LONGEST_CONFLICT_MS = 20;

/** Reads a message's row. */
export async function readHeld({ engine }: QueueRoom, id: string): Promise<Held> {
  const [row] = await engine.read([messageRow(id)]);
  return toHeld(row!.value, row!.versionstamp);
}

/** Settles a message; while the store fails it goes on trying. */
export async function settle(
  room: QueueRoom,
  lease: Lease,
  held: Held,
  outcome: Outcome,
  attempt: Attempt,
): Promise<Settled> {
  const { engine, commits, closing, log } = room;
  let isUnknown = false;
  for (let failures = 0; !closing.aborted; failures++) {
    try {
      if (!await lease.isHeld(engine)) {
        // A commit that seemed to fail may have been made, and then this is what it left.
        return { what: isUnknown && outcome.type === "handled" ? "handled" : "lost" };
      }
      if (failures > 0) held = await readHeld(room, lease.id);
      const plan = await planSettlement(room, lease, held, outcome, attempt);
      lease.doubt();
      isUnknown = true;
      const version = await commits.make(plan);
      if (version !== null) {
        if (plan.isMore) room.census.added();
        for (const gone of plan.gone) void tidy(room, gone);
        return { what: plan.what, at: plan.at, next: plan.next?.(version) };
      }
      isUnknown = false;
      await pauseFor(room.random() * Math.min(failures + 1, LONGEST_CONFLICT_MS), closing);
    } catch (error) {
      lease.doubt();
      if (failures === 0) {
        const why = messageOf(error);
        log.warn("A durable message cannot be settled yet", { id: lease.id, why });
      }
      await pauseFor(troublePause(failures + 1), closing);
    }
  }
  return { what: "left" };
}

/** Removes the parts of a message that is gone. What fails here the store's own upkeep makes up for. */
async function tidy({ engine, log }: QueueRoom, meta: Meta): Promise<void> {
  const parts = partsOf(meta);
  if (parts === undefined) return;
  try {
    await removeParts(engine, parts.id, parts.count);
  } catch (error) {
    log.debug("Parts of a durable message are left to the store's upkeep", {
      why: messageOf(error),
    });
  }
}
