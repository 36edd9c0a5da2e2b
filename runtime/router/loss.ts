/**
 * What was lost with a link, and the report of it to the nodes that had sent it.
 *
 * @module
 */

import type { NodeIdentity } from "./address.ts";
import { type Envelope, idOf, isCount, isCounts } from "./envelope.ts";
import type { Certainty } from "./outbox.ts";
import { decodePayload } from "./payload.ts";
import type { LostMessage } from "./types.ts";

/** A message that was lost, as the link gives it back. */
export interface Lost {
  envelope: Envelope;
  certainty: Certainty;
}

/** How many losses one report holds. */
const MOST_IN_REPORT = 1024;

/** What a report says: the peer that is gone, and the numbers of the messages. */
export interface LossReport {
  peer: number;
  maybe: number[];
  never: number[];
}

/** Whether a lost message is one that somebody has sent, or its acknowledgement; the rest is what nodes tell each other. */
export function isTold({ envelope: { kind } }: Lost): boolean {
  return kind === "data" || kind === "ack";
}

/** Describes a lost message to the listeners of `self`. */
export function describeLost({ envelope, certainty }: Lost, self: NodeIdentity): LostMessage {
  const { src, seq, to, kind, urgent, payload, raw } = envelope;
  return {
    id: idOf(src, seq),
    to,
    get payload() {
      try {
        return decodePayload(payload, raw);
      } catch {
        return undefined;
      }
    },
    isAck: kind === "ack",
    urgent,
    broadcast: "all" in to,
    group: "group" in to ? to.group : undefined,
    origin: src.pid,
    forwarded: src.inc !== self.inc,
    certainty,
  };
}

/** Makes the reports of what was forwarded, by the pid of the origin. Reports of reports are not made. */
export function* reportsOf(
  lost: readonly Lost[],
  peer: number,
  self: NodeIdentity,
): Generator<[origin: number, report: LossReport]> {
  const foreign = lost.filter(({ envelope: { src, kind } }) =>
    src.inc !== self.inc && kind === "data"
  );
  for (
    const all of Map.groupBy(foreign, ({ envelope: { src } }) => `${src.pid}:${src.inc}`).values()
  ) {
    for (let at = 0; at < all.length; at += MOST_IN_REPORT) {
      const part = all.slice(at, at + MOST_IN_REPORT);
      const numbers = (wanted: Certainty) =>
        part.filter(({ certainty }) => certainty === wanted).map(({ envelope }) => envelope.seq);
      yield [part[0]!.envelope.src.pid, {
        peer,
        maybe: numbers("maybe-processed"),
        never: numbers("never-sent"),
      }];
    }
  }
}

/** Rebuilds a report from another node, with numbers up to `highest` only; `undefined` when it is none. */
export function parseReport(value: unknown, highest: number): LossReport | undefined {
  if (typeof value !== "object" || value === null) return undefined;
  const { peer, maybe, never } = value as Record<string, unknown>;
  if (!isCount(peer, 1) || !isList(maybe, highest) || !isList(never, highest)) return undefined;
  return { peer, maybe: [...maybe], never: [...never] };
}

function isList(value: unknown, highest: number): value is number[] {
  return isCounts(value, MOST_IN_REPORT) && value.every((seq) => seq <= highest);
}
