/**
 * An engine that is served, and its clients, all in this process: over loopback, which the tests may use
 * where they may not use Unix sockets.
 *
 * @module
 */

import type { Engine } from "../../../../runtime/store/engine.ts";
import { KvEngine } from "../../../../runtime/store/kv_engine.ts";
import { connectBy, type ConnectOptions } from "../../../../runtime/store/served/client.ts";
import type { Wire } from "../../../../runtime/store/served/link.ts";
import { type ServedEngine, serveOn } from "../../../../runtime/store/served/server.ts";

/** An owner and a way to it. */
export interface ServedPair extends AsyncDisposable {
  /** The side of the owner. */
  readonly owner: ServedEngine;
  /** A client. */
  readonly client: Engine;
  /** Connects one more client. */
  connect(options?: ConnectOptions): Promise<Engine>;
  /** A connection on which nothing was said yet. */
  dial(): Promise<Deno.TcpConn>;
  /** Ends all connections, as when the owner is killed. */
  cut(): void;
  /** Ends the owner as if it was killed and lets another engine take its place. */
  replace(engine: Engine): Promise<void>;
}

/** Serves an engine in memory, or the one that is given, and connects a client to it. */
export async function servedPair(
  { engine, ...options }: ConnectOptions & { engine?: Engine } = {},
): Promise<ServedPair> {
  const first = loopback();
  const { port } = first;
  const clients: Engine[] = [];
  let accepted = first.wires;
  let owner = serveOn(engine ?? await memoryEngine(), first);
  const pair = {
    get owner() {
      return owner;
    },
    dial,
    async connect(more: ConnectOptions = options) {
      const client = await connectBy(dial, '"test"', more);
      clients.push(client);
      return client;
    },
    cut: () => accepted.forEach((wire) => wire.close()),
    async replace(next: Engine) {
      pair.cut();
      await owner.close();
      const acceptor = loopback(port);
      accepted = acceptor.wires;
      owner = serveOn(next, acceptor);
    },
    async [Symbol.asyncDispose]() {
      for (const client of clients) await client.close();
      await owner.close();
    },
  };
  return Object.defineProperty(pair, "client", { value: await pair.connect() }) as never;

  async function dial(): Promise<Deno.TcpConn> {
    const connection = await Deno.connect({ hostname: "127.0.0.1", port });
    connection.setNoDelay(true);
    return connection;
  }
}

/** Opens an engine in memory. */
export async function memoryEngine(): Promise<Engine> {
  return new KvEngine(await Deno.openKv(":memory:"), "memory");
}

function loopback(port = 0) {
  const listener = Deno.listen({ hostname: "127.0.0.1", port });
  const wires = new Set<Wire>();
  return {
    port: listener.addr.port,
    wires,
    async accept(): Promise<Wire> {
      const connection = await listener.accept();
      connection.setNoDelay(true);
      const wire: Wire = {
        read: (into) => connection.read(into),
        write: (bytes) => connection.write(bytes),
        close() {
          if (wires.delete(wire)) connection.close();
        },
      };
      wires.add(wire);
      return wire;
    },
    close: () => listener.close(),
  };
}
