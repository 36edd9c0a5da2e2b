/**
 * What pages and pagelets share: Hono and its HTML templates, which escape what they are given.
 *
 * Packages are named here and in `deps/`, nowhere else, and with full specifiers, so that the site
 * runs from any URL without an import map. The heavier ones stand in `deps/`, one use a file:
 * every package that a worker's modules reach is paid for at each start of that worker.
 * @module
 */

export { type Context, Hono } from "npm:hono@^4.13.19";
export { html, raw } from "npm:hono@^4.13.19/html";
