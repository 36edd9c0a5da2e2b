/**
 * Boxes on loopback that can be called, and strangers that answer whatever a test says.
 *
 * @module
 */

import assert from "node:assert/strict";
import type { PeersOptions } from "../../../runtime/types/site.ts";
import { resolvePeers } from "../../../runtime/options/peers.ts";
import {
  type PeerAddress,
  type PeerHandler,
  Peers,
  type PeersSetup,
  readAddress,
} from "../../../runtime/peer/mod.ts";

/** The secret of the deployment. */
export const SECRET = "the secret of these tests";
/** Where calls go. */
export const PATH = "/_tandem/xbox";
const HOST = "127.0.0.1";

/** Peers that may call every port of loopback. */
export function makePeers(options: PeersOptions = {}, setup: PeersSetup = {}): Peers {
  return new Peers(resolvePeers({ secrets: [SECRET], allow: [`${HOST}:*`], ...options }), setup);
}

/** The address of a port of loopback. */
export function addressOf(port: number): PeerAddress {
  return readAddress(`${HOST}:${port}`)!;
}

/** A box that answers calls; what it throws is answered as a text. */
export class Box implements AsyncDisposable {
  readonly peers: Peers;
  readonly address: PeerAddress;
  readonly #server: Deno.HttpServer<Deno.NetAddr>;

  constructor(
    options: PeersOptions = {},
    setup: PeersSetup = {},
    handle: PeerHandler = ({ value }) => Promise.resolve(value),
  ) {
    this.peers = makePeers(options, { onUnencodable: (error) => `failed: ${error}`, ...setup });
    this.#server = Deno.serve(
      { hostname: HOST, port: 0, onListen: () => {} },
      (request) => this.peers.server.answer(request, handle),
    );
    this.address = addressOf(this.#server.addr.port);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.peers.close();
    await this.#server.shutdown();
  }
}

/** What a stranger does with a connection, once its first request's head has come. */
export type Answering = (connection: Deno.Conn, head: string) => Promise<void>;

/** Someone who speaks TCP and is no box. */
export class Stranger implements AsyncDisposable {
  readonly address: PeerAddress;
  /** How many connections have come. */
  connections = 0;
  readonly #listener = Deno.listen({ hostname: HOST, port: 0 });
  readonly #open = new Set<Deno.Conn>();
  readonly #work: Promise<void>;

  constructor(answer: Answering) {
    this.address = addressOf((this.#listener.addr as Deno.NetAddr).port);
    this.#work = this.#accept(answer);
  }

  async #accept(answer: Answering): Promise<void> {
    const works: Promise<void>[] = [];
    for await (const connection of this.#listener) {
      this.connections++;
      this.#open.add(connection);
      works.push(this.#serve(connection, answer));
    }
    await Promise.all(works);
  }

  async #serve(connection: Deno.Conn, answer: Answering): Promise<void> {
    try {
      const head = await readHead(connection);
      if (head !== undefined) await answer(connection, head);
    } catch (error) {
      if (!isEnded(error)) throw error;
    } finally {
      if (this.#open.delete(connection)) connection.close();
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#listener.close();
    for (const connection of this.#open) connection.close();
    this.#open.clear();
    await this.#work;
  }
}

/** Reads until the client ends the connection. */
export async function untilEnded(connection: Deno.Conn): Promise<void> {
  const space = new Uint8Array(4096);
  while (await connection.read(space) !== null);
}

/** Writes all of a text, or of bytes. */
export async function write(connection: Deno.Conn, what: string | Uint8Array): Promise<void> {
  const bytes = typeof what === "string" ? new TextEncoder().encode(what) : what;
  for (let sent = 0; sent < bytes.length;) sent += await connection.write(bytes.subarray(sent));
}

/** Waits until something holds. */
export async function until(holds: () => boolean): Promise<void> {
  for (let turns = 0; !holds(); turns++) {
    assert.ok(turns < 4000, `never came true: ${holds}`);
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}

/** Head and body of the first request. */
async function readHead(connection: Deno.Conn): Promise<string | undefined> {
  const decoder = new TextDecoder("latin1");
  const space = new Uint8Array(65_536);
  let text = "";
  while (true) {
    const count = await connection.read(space);
    if (count === null) return undefined;
    text += decoder.decode(space.subarray(0, count));
    const end = text.indexOf("\r\n\r\n");
    if (end === -1) continue;
    const length = Number(/content-length: (\d+)/i.exec(text)?.[1] ?? 0);
    if (text.length >= end + 4 + length) return text;
  }
}

function isEnded(error: unknown): boolean {
  const { BadResource, BrokenPipe, ConnectionReset, Interrupted } = Deno.errors;
  return [BadResource, BrokenPipe, ConnectionReset, Interrupted].some((Class) =>
    error instanceof Class
  );
}
