/**
 * Hono, the router at the front of a box and inside pagelet workers.
 *
 * @module
 */

export { type Context, Hono, type MiddlewareHandler } from "npm:hono@^4.13.19";
