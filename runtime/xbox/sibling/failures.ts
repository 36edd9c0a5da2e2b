/**
 * What keeps a message from reaching a sibling, or its answer from coming back, in words and with whose fault it is.
 *
 * @module
 */

import { RuntimeError } from "../../errors.ts";
import { type Blame, blame } from "../blame.ts";
import type { Carried } from "../carrier.ts";
import type { Call } from "./call.ts";

const NOT_SENT: Blame = Object.freeze({ side: "network", mayHaveRun: false });

/** A message that came to nothing before it was sent. */
export function failed(error: Error): Carried {
  const answer = Promise.reject(error);
  answer.catch(isReportedByAnswer);
  return { state: () => "queued", answer, accepted: answer, cancel: nothing, wait: nothing };
}

/** There is no box of that name that serves. */
export function noBox(
  name: string,
  boxes: readonly { alias: string; serving: boolean }[],
  ended?: string,
): Error {
  const serving = [...new Set(boxes.filter((box) => box.serving).map(({ alias }) => alias))].sort();
  const why = ended ??
    (serving.length === 0
      ? "no box of this machine serves yet"
      : boxes.some(({ alias }) => alias === name)
      ? `it does not serve now; there are ${serving.join(", ")}`
      : `there is no box of that name on this machine, but there are ${serving.join(", ")}`);
  return unreachable(name, why);
}

/** The error of a message to a sibling in a box that has none. */
export function withoutSiblings(name: string): Error {
  return unreachable(
    name,
    "this box has no siblings; boxes of one machine have names when they are started together, with serve --boxes",
  );
}

/** The box that a message went to has ended, or with `ended` this one's supervisor. */
export function lost({ name, wasSent }: Call, alias: string, ended?: string): Error {
  const why = ended ?? `${alias} has ended`;
  if (!wasSent) return unreachable(name, why);
  const text = `Cannot get an answer from ${JSON.stringify(name)}: ${why}`;
  return blame(new RuntimeError("PEER_LOST", text), { side: "network", mayHaveRun: true });
}

/** A message has not been answered in its time. */
export function outOfTime({ name, wasSent, wasAccepted }: Call): Error {
  const what = wasAccepted
    ? "its handler has not ended in time"
    : wasSent
    ? "no answer has come in time"
    : "it could not be sent in time";
  const text = `Cannot finish an xbox message to ${JSON.stringify(name)}: ${what}`;
  const side = wasAccepted ? "receiver" : "network";
  return blame(new RuntimeError("DEADLINE_EXCEEDED", text), { side, mayHaveRun: wasSent });
}

/** A message is refused since so many wait. */
export function tooMany(name: string, why: string): Error {
  const text = `Cannot send a message to ${JSON.stringify(name)}: ${why}`;
  return blame(new RuntimeError("QUEUE_FULL", text), { side: "sender", mayHaveRun: false });
}

function unreachable(name: string, why: string): Error {
  const text = `Cannot send a message to ${JSON.stringify(name)}: ${why}`;
  return blame(new RuntimeError("UNREACHABLE_PEER", text), NOT_SENT);
}

function nothing(): void {}

/** Whoever waits finds it there. */
function isReportedByAnswer(): void {}
