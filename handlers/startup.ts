/**
 * The startup document: runs once a box, before any thread exists. What it writes into the true
 * globals is frozen when it ends; pages, pagelets, threads and loops then read it without asking
 * anyone. What changes while the site runs belongs in the store instead.
 * @module
 */

import type { Globals, StartupContext } from "../mod.ts";

const parameters = {
  title: "Atlas",
  dayStep: 83, // the country of the day moves on by so many; all 250 have their day
  visitedCount: 6, // countries that "visited lately" shows
  visitTtlMs: 60 * 60 * 1000, // how long a visit counts as lately
};

/** Sets the parameters. */
export default function startup({ globals }: StartupContext): void {
  globals.set("parameters", parameters);
}

/** The parameters, wherever there are globals. */
export function parametersOf(globals: Globals): typeof parameters {
  return globals.get<typeof parameters>("parameters")!;
}
