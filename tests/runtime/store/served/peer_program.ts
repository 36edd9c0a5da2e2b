/**
 * A process of its own that serves an engine or uses one, as it is told line by line.
 *
 * @module
 */

import type { Engine } from "../../../../runtime/store/engine.ts";
import { KvEngine } from "../../../../runtime/store/kv_engine.ts";
import {
  connectEngine,
  type ServedEngine,
  serveEngine,
} from "../../../../runtime/store/served/mod.ts";
import { until } from "./until.ts";

/** What it can be told to do; all of it answers with JSON. */
export type Order =
  | { do: "serve"; path: string; file: string }
  | { do: "connect"; path: string; callTimeoutMs?: number }
  | { do: "open"; file: string }
  | { do: "hammer"; name: string; commits: number; inFlight: number }
  | { do: "increment"; times: number }
  | { do: "get"; key: string }
  | { do: "put"; key: string; value: number }
  | { do: "put-when-possible"; key: string; value: number }
  | { do: "watch"; key: string }
  | { do: "changed" }
  | { do: "foreign" }
  | { do: "mode"; path: string }
  | { do: "latency"; times: number }
  | { do: "close" };

let engine: Engine | undefined;
let served: ServedEngine | undefined;
let changed: (() => Promise<void>) | undefined;
const foreign: unknown[] = [];

async function obey(order: Order): Promise<unknown> {
  switch (order.do) {
    case "serve": {
      const inner = new KvEngine(await Deno.openKv(order.file), "file");
      try {
        served = await serveEngine(inner, { path: order.path });
      } catch (error) {
        await inner.close();
        throw error;
      }
      return use(served.engine);
    }
    case "connect":
      return use(await connectEngine(order.path, order));
    case "open":
      return use(new KvEngine(await Deno.openKv(order.file), "file"));
    case "hammer":
      return await hammer(order);
    case "increment":
      for (let time = 0; time < order.times; time++) await increment(engine!);
      return;
    case "get": {
      const [row] = await engine!.read([[order.key]]);
      return row!.value === null ? null : row!.value.reduce((sum, byte) => 256 * sum + byte, 0);
    }
    case "put":
      return await engine!.commit([], [{ key: [order.key], value: Uint8Array.of(order.value) }]);
    case "put-when-possible": {
      let failures = 0;
      await until(async () => {
        try {
          await obey({ ...order, do: "put" });
          return true;
        } catch {
          failures++;
          return false;
        }
      });
      return failures;
    }
    case "watch": {
      const watch = engine!.watch([[order.key]]);
      await watch.changed(); // the first pulse stands for the time before
      changed = () => watch.changed();
      return;
    }
    case "changed":
      return await changed!();
    case "foreign":
      return foreign.splice(0);
    case "mode": {
      const { mode, isSocket } = await Deno.lstat(order.path);
      return { mode: mode! & 0o777, isSocket };
    }
    case "latency": {
      const times: number[] = [];
      for (let time = 0; time < order.times; time++) {
        const start = performance.now();
        await engine!.read([["latency"]]);
        times.push(performance.now() - start);
      }
      return times.sort((a, b) => a - b)[order.times >> 1];
    }
    case "close":
      await engine!.close();
  }
}

function use(opened: Engine): string {
  engine = opened;
  opened.onForeignCommit?.((keys) => foreign.push(keys));
  return opened.kind;
}

/** Commits as fast as it can, and says when each tenth of it was done. */
async function hammer({ name, commits, inFlight }: Order & { do: "hammer" }): Promise<number[]> {
  const value = new Uint8Array(100);
  const times: number[] = [];
  let begun = 0;
  await Promise.all(Array.from({ length: inFlight }, async () => {
    while (begun < commits) {
      const key = [name, begun++ % 100];
      await engine!.commit([], [{ key, value }]);
      times.push(performance.timeOrigin + performance.now());
    }
  }));
  return times;
}

/** Adds one to a row, by a check and as many attempts as it takes. */
async function increment(engine: Engine): Promise<void> {
  for (;;) {
    const [row] = await engine.read([["count"]]);
    const count = row!.value === null ? 0 : new DataView(row!.value.slice().buffer).getUint32(0);
    const value = new Uint8Array(4);
    new DataView(value.buffer).setUint32(0, count + 1);
    if (await engine.commit([row!], [{ key: row!.key, value }]) !== null) return;
  }
}

async function* lines(): AsyncGenerator<string> {
  let text = "";
  for await (const part of Deno.stdin.readable.pipeThrough(new TextDecoderStream())) {
    const parts = (text + part).split("\n");
    text = parts.pop()!;
    yield* parts;
  }
}

if (import.meta.main) {
  for await (const line of lines()) {
    const { id, order } = JSON.parse(line) as { id: number; order: Order };
    obey(order).then(
      (result) => console.log(JSON.stringify({ id, result })),
      (error) => {
        const { name, code, message } = error as Error & { code?: string };
        const cause = (error as Error).cause instanceof Error
          ? ((error as Error).cause as Error).name
          : null;
        console.log(JSON.stringify({ id, error: { name, code, message, cause } }));
      },
    );
  }
}
