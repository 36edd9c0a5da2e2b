/**
 * What the site uses of `d3-geo-projection`, which has no types of its own.
 * @module
 */

/** Joins what a flat map has cut at the date line and at the poles. */
export declare function geoStitch<T>(shapes: T): T;
