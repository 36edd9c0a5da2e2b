import assert from "node:assert/strict";
import { fixture, open, until } from "../http/support.ts";

const CHUNK = 64 << 10;
/** What may be under way between two isolates, and read ahead of whoever collects parts. */
const BOUND = 3 << 20;
const document = fixture("slow/pagelets.ts");

/** Waits until a figure stands still, which must be before it passes the bound. */
async function stands(
  store: { get(key: string, options: { near: false }): Promise<unknown> },
  read: () => number | Promise<number>,
): Promise<void> {
  for (let held = -1; held !== await read();) {
    held = await read();
    assert.ok(held <= BOUND, `${held} bytes were written for a reader that took ${CHUNK}`);
    // As much time as anything would take that still flows.
    for (let turn = 0; turn < 200; turn++) await store.get("nothing", { near: false });
  }
}

for (const isolation of ["thread", "process"] as const) {
  const where = isolation === "process" ? " in a process" : "";
  const options = { pagelets: { document, workers: 1, isolation } };

  Deno.test(`a reader of a pagelet's response that stops holds a bounded number of bytes${where}`, async () => {
    await using site = await open(options);
    await site.run(async ({ pagelets, store }) => {
      await store.set("written", 0);
      const task = pagelets.start("/endless");
      const reader = (await task.response()).body!.getReader();
      await reader.read();
      const written = async () => await store.get<number>("written", { near: false }) ?? 0;
      await until(async () => await written() > CHUNK);
      await stands(store, written);
      for (let chunk = 0; chunk < 100; chunk++) await reader.read();
      assert.ok(await written() >= 100 * CHUNK, "it does not go on although somebody reads");
      await reader.cancel();
    });
    await site.quiet();
  });

  Deno.test(`a pagelet that stops reading its request makes whoever writes it wait${where}`, async () => {
    await using site = await open(options);
    await site.run(async ({ pagelets, store }) => {
      let written = 0;
      const all = 200 * CHUNK;
      const body = new ReadableStream<Uint8Array>({
        pull(controller) {
          written += CHUNK;
          controller.enqueue(new Uint8Array(CHUNK));
          if (written === all) controller.close();
        },
      }, { highWaterMark: 0 });
      const task = pagelets.start("/deaf", { body });
      const text = task.text();
      await until(() => store.has("has begun"));
      await stands(store, () => written);
      assert.ok(written < all);
      await store.set("read on", true);
      assert.equal(await text, `${all}`);
    });
  });
}
