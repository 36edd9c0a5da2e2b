/**
 * What the site reads of `world-atlas`.
 * @module
 */

import type { GeometryCollection, Topology } from "./geo.ts";

/** The shapes of the countries, which share their borders. */
export type Atlas = Topology<{ countries: GeometryCollection<{ name: string }> }>;

/** The topology. */
export declare const atlas: Atlas;
