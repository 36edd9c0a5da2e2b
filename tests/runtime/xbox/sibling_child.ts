import type { tree } from "../../../mod.ts";
import { blameOf } from "../../../runtime/xbox/blame.ts";
import type { Arrived } from "../../../runtime/xbox/carrier.ts";
import { type SiblingBox, Siblings } from "../../../runtime/xbox/siblings.ts";

/** What the root tells a box of these tests. */
export type Told =
  | { do: "boxes"; boxes: SiblingBox[] }
  /** Sends so many messages at once, and reports what became of them. */
  | { do: "send"; to: string; count: number; bytes: number; timeoutMs?: number; what?: string }
  /** The same again and again, so many at once, until told to stop. */
  | { do: "flood"; to: string; inFlight: number; bytes: number }
  | { do: "stop" }
  | { do: "ping" };

/** What such a box says. */
export type Said =
  | { said: "tick" | "pong" }
  | { said: "ready" }
  | { said: "arrived"; what: string }
  | { said: "sent"; codes: Record<string, number> }
  | { said: "stopped"; count: number; failed: string[] };

/** How often a box of these tests reports, in milliseconds. */
export const TICK_MS = 50;

/** A box that has nothing but siblings. */
export default function (executor: tree.Executor): void {
  const root = executor.getRootPid();
  const tell = (said: Said, urgent = false) => void executor.submit(said, root, { urgent });
  const silent = () => {};
  const siblings = new Siblings({
    port: {
      pid: executor.getPid(),
      send: (pid, frame) => void executor.submit(frame, pid, { raw: true }),
    },
    log: { debug: silent, info: silent, warn: silent, error: console.error },
    receive: (arrived) => {
      const answer = handle(arrived);
      answer.catch(silent);
      return {
        answer,
        accepted: Promise.resolve(),
        state: () => "running",
        cancel() {},
        wait() {},
      };
    },
  });
  let floods = true;
  executor.addListener({
    onMessageReceived({ source, payload }) {
      if (source !== root) return siblings.receive(source, payload);
      const told = payload as Told;
      if (told.do === "boxes") siblings.update(told.boxes);
      else if (told.do === "ping") tell({ said: "pong" });
      else if (told.do === "stop") floods = false;
      else if (told.do === "send") void send(told);
      else void flood(told);
    },
  });
  setInterval(() => tell({ said: "tick" }, true), TICK_MS);
  tell({ said: "ready" });

  async function handle({ message }: Arrived): Promise<unknown> {
    const { what, body } = message as { what?: string; body: Uint8Array };
    if (what === "hang") {
      tell({ said: "arrived", what });
      await new Promise(silent);
    }
    if (what === "fail") throw new RangeError("told to", { cause: new TypeError("why") });
    return body;
  }

  async function send(
    { to, count, bytes, timeoutMs, what }: Extract<Told, { do: "send" }>,
  ): Promise<void> {
    const body = new Uint8Array(bytes).fill(5);
    const ended = await Promise.all(Array.from({ length: count }, async () => {
      try {
        const { answer } = siblings.carry(to, { message: { what, body }, timeoutMs });
        const value = await answer as Uint8Array;
        return value.length === bytes && value.every((one) => one === 5) ? "200" : "wrong";
      } catch (error) {
        const { name, code, cause } = error as Error & { code?: string };
        const { side, mayHaveRun } = blameOf(error as Error);
        const below = cause instanceof Error ? ` by ${cause.name}` : "";
        return `${code ?? name}${below} ${side} ${mayHaveRun}`;
      }
    }));
    const codes: Record<string, number> = {};
    for (const code of ended) codes[code] = (codes[code] ?? 0) + 1;
    tell({ said: "sent", codes });
  }

  async function flood({ to, inFlight, bytes }: Extract<Told, { do: "flood" }>): Promise<void> {
    const body = new Uint8Array(bytes);
    let count = 0;
    const failed: string[] = [];
    await Promise.all(Array.from({ length: inFlight }, async () => {
      while (floods) {
        try {
          await siblings.carry(to, { message: { body }, timeoutMs: 60_000 }).answer;
          count++;
        } catch (error) {
          return void failed.push(String(error));
        }
      }
    }));
    tell({ said: "stopped", count, failed });
  }
}
