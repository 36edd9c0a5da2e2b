/**
 * The shapes of the countries at 1:50 million, for maps of one country. `maps.ts` imports this file
 * without waiting for it: it takes longer to load than everything else in a worker.
 * @module
 */

// @ts-self-types="./atlas.d.ts"

export { default as atlas } from "npm:world-atlas@2.0.2/countries-50m.json" with { type: "json" };
