/**
 * What runs in a child that is a thread, before and around its module.
 *
 * @module
 */

import { hub } from "./hub.ts";
import type { EndMessage, ParentMessage, StartMessage } from "./thread_messages.ts";

const scope = globalThis as unknown as Worker & { close(): void };
const post = scope.postMessage.bind(scope);
const close = scope.close.bind(scope);
const { exit } = Deno;

/**
 * Waits for the parent's first message, then loads the module and calls its `main`. When that has returned, the
 * child ends. Nothing outside sees a worker end by itself, so every way to end says so first.
 */
export function runThread(load: () => Promise<{ main(context: unknown): unknown }>): void {
  scope.close = () => {
    say({ type: "END", code: 0 });
    close();
  };
  Object.defineProperty(Deno, "exit", {
    configurable: true,
    value: (code: number = Deno.exitCode) => {
      say({ type: "END", code: Number(code) || 0 });
      return exit(code);
    },
  });
  scope.addEventListener("message", (event) => {
    const message = (event as MessageEvent<ParentMessage>).data;
    event.stopImmediatePropagation();
    if (message.type === "START") void start(message, load);
    else hub.raise(message.info);
  });
}

async function start(
  { context, mask }: StartMessage,
  load: () => Promise<{ main(context: unknown): unknown }>,
): Promise<void> {
  hub.becomeThread(context.pid, (signo) => {
    say({ type: "END", signo });
    exit(128 + signo);
  });
  if (mask.length > 0) hub.setMask(new Set(mask));
  const { main } = await load();
  await main(context);
  Deno.exit();
}

function say(message: EndMessage): void {
  post(message);
}
