/**
 * A Redis of Debian's package, for tests.
 *
 * @module
 */

import { tempDir } from "./temp_dir.ts";

/** A Redis that runs on loopback and keeps nothing. It is ended at the end of its block. */
export interface RedisServer extends AsyncDisposable {
  /** Where it listens. */
  readonly port: number;
  /** The URL of an own database of it, with the password if it has one. */
  url(database?: number): string;
  /** Kills it, and waits until it is gone. */
  kill(): Promise<void>;
  /** Starts it again, empty, on the same port. */
  restart(): Promise<void>;
  /** Sends it a signal. */
  signal(signal: Deno.Signal): void;
  /** Asks it one command, in one connection. */
  ask(...command: string[]): Promise<string>;
}

const TRIES = 5;
const STARTUP_MS = 20_000;

let missing: boolean | undefined;

/**
 * Whether tests that need Redis are to be left out: there is none here, which is said once. In CI there
 * has to be one, and they fail instead.
 */
export function lacksRedis(): boolean {
  if (missing === undefined) {
    try {
      new Deno.Command("redis-server", { args: ["--version"], stdout: "null" }).outputSync();
      missing = false;
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
      missing = true;
      console.log("Tests with Redis are left out: install redis-server to run them");
    }
  }
  return missing && !Deno.env.get("CI");
}

/** Starts a Redis on a free port and waits until it answers. */
export async function startRedis({ password = "" } = {}): Promise<RedisServer> {
  const folder = await tempDir();
  let port = 0;
  let running: Deno.ChildProcess | undefined;

  async function kill(): Promise<void> {
    running?.kill("SIGKILL");
    await running?.status;
    running = undefined;
  }

  async function start(): Promise<void> {
    running = spawn(port, folder.path, password);
    if (await answers(port, password, running)) return;
    await running.status;
    throw new Error(`redis-server ended on port ${port}`);
  }

  try {
    for (let attempt = 1; running === undefined; attempt++) {
      port = freePort();
      try {
        await start();
      } catch (error) { // somebody else has taken the port
        running = undefined;
        if (attempt === TRIES) throw error;
      }
    }
  } catch (error) {
    await folder[Symbol.asyncDispose]();
    throw error;
  }
  return {
    port,
    url: (database = 0) =>
      `redis://${password && `:${encodeURIComponent(password)}@`}127.0.0.1:${port}/${database}`,
    kill,
    restart: start,
    signal: (signal) => running!.kill(signal),
    ask: (...command) => ask(port, password, command),
    async [Symbol.asyncDispose]() {
      await kill();
      await folder[Symbol.asyncDispose]();
    },
  };
}

/** Listens on loopback and does with every connection as it is told. */
export function listen(
  serve: (connection: Deno.TcpConn) => Promise<void>,
): { readonly port: number } & AsyncDisposable {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const connections: Promise<void>[] = [];
  const accepting = (async () => {
    for await (const connection of listener) {
      connections.push(serve(connection).catch(() => {}).finally(() => close(connection)));
    }
  })();
  return {
    port: (listener.addr as Deno.NetAddr).port,
    async [Symbol.asyncDispose]() {
      listener.close();
      await accepting;
      await Promise.all(connections);
    },
  };
}

/** Reads what comes, and drops it, until there is no more. */
export async function drain(connection: Deno.TcpConn): Promise<void> {
  const buffer = new Uint8Array(4096);
  while (await connection.read(buffer) !== null);
}

/** A port on which nobody listens now. */
export function freePort(): number {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  return (listener.addr as Deno.NetAddr).port;
}

function spawn(port: number, folder: string, password: string): Deno.ChildProcess {
  const options: Record<string, string> = {
    bind: "127.0.0.1",
    port: String(port),
    dir: folder,
    save: "",
    appendonly: "no",
    requirepass: password,
  };
  const args = Object.entries(options).flatMap(([name, value]) => [`--${name}`, value]);
  return new Deno.Command("redis-server", { args, stdout: "null", stderr: "null" }).spawn();
}

/** Waits until it answers, or has ended. */
async function answers(
  port: number,
  password: string,
  server: Deno.ChildProcess,
): Promise<boolean> {
  let ended = false;
  server.status.then(() => ended = true);
  const end = performance.now() + STARTUP_MS;
  while (!ended && performance.now() < end) {
    try {
      if ((await ask(port, password, ["PING"])).startsWith("+PONG")) return true;
    } catch {
      await Promise.race([server.status, new Promise((resolve) => setTimeout(resolve, 5))]);
    }
  }
  return false;
}

async function ask(port: number, password: string, command: string[]): Promise<string> {
  const connection = await Deno.connect({ hostname: "127.0.0.1", port });
  try {
    const commands = [...password === "" ? [] : [["AUTH", password]], command];
    let answer = "";
    for (const parts of commands) {
      const text = parts.map((part) => `$${new TextEncoder().encode(part).length}\r\n${part}\r\n`);
      await connection.write(new TextEncoder().encode(`*${parts.length}\r\n${text.join("")}`));
      const buffer = new Uint8Array(16 * 1024);
      const count = await connection.read(buffer);
      answer = new TextDecoder().decode(buffer.subarray(0, count ?? 0));
    }
    return answer;
  } finally {
    close(connection);
  }
}

function close(connection: Deno.TcpConn): void {
  try {
    connection.close();
  } catch {
    // It was closed by the other side.
  }
}
