/**
 * The shapes of the countries at 1:110 million, for maps of the world and of the largest countries.
 * @module
 */

// @ts-self-types="./atlas.d.ts"

export { default as atlas } from "npm:world-atlas@2.0.2/countries-110m.json" with { type: "json" };
