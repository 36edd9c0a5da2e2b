/**
 * The countries of the world. Data stands in JavaScript with declared types, because TypeScript would
 * infer a type from all of the JSON: seconds for each worker that `deno test` checks.
 * @module
 */

// @ts-self-types="./countries.d.ts"

export { default as data } from "npm:world-countries@5.1.0/dist/countries-unescaped.json" with {
  type: "json",
};
