import type { tree } from "../../../mod.ts";

/** Notes each number in a file before it is done with it, and gets stuck at one of them. */
export default function (
  executor: tree.Executor,
  { path, stuckAt }: { path: string; stuckAt: number },
) {
  const file = Deno.openSync(path, { append: true, create: true });
  const encoder = new TextEncoder();
  executor.addListener({
    onMessageReceived({ payload }) {
      if (payload === stuckAt) return new Promise(() => {});
      file.writeSync(encoder.encode(`${payload}\n`));
    },
  });
}
