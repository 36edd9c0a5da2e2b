/**
 * The client of Redis and Valkey. It is loaded when a store at a `redis:` URL is opened, not before:
 * it takes longer to load than all the rest together.
 *
 * @module
 */

export { createClient, ErrorReply } from "npm:@redis/client@6.3.1";
