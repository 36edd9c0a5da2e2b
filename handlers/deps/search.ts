/**
 * Full-text search.
 * @module
 */

export { default as MiniSearch, type Options } from "npm:minisearch@7.2.0";
