import assert from "node:assert/strict";
import { killProcess, type Machine, startMachine } from "../../support/machine.ts";

const site = new URL("../../sites/siblings/site.ts", import.meta.url).href;

/** Runs something while boxes send messages, and returns what became of these by code. */
async function flooded(
  machine: Machine,
  { to, bytes = 100 }: { to: string; bytes?: number },
  work: () => Promise<unknown>,
): Promise<Record<string, number>> {
  const name = crypto.randomUUID();
  const codes: Record<string, number> = {};
  let isDone = false;
  // A box that drains ends its part, and another one goes on.
  const flood = async () => {
    do {
      const path = `flood?name=${name}&inFlight=32&bytes=${bytes}&to=${to}`;
      const told = await machine.get(path).then(JSON.parse, () => ({ gone: 1 }));
      for (const [code, count] of Object.entries<number>(told)) {
        codes[code] = (codes[code] ?? 0) + count;
      }
    } while (!isDone);
  };
  const floods = Promise.all([flood(), flood()]);
  try {
    await work();
  } finally {
    isDone = true;
    await machine.get(`stop?name=${name}`);
    await floods;
  }
  return codes;
}

Deno.test.each(["boxes", "box-2"])(
  "No message to %s is lost while all boxes are replaced",
  async (to) => {
    await using machine = await startMachine({ site, boxes: 3 });
    const codes = await flooded(machine, { to }, async () => {
      assert.deepEqual(await machine.command("reload"), { status: 200, text: "OK\n" });
    });
    assert.deepEqual(Object.keys(codes), ["200"], JSON.stringify(codes));
    assert.ok(codes["200"]! > 0);
  },
);

Deno.test("A box that is killed costs the messages that it had, and its successor gets the next", async () => {
  await using machine = await startMachine({ site, boxes: 3 });
  const { boxes } = await machine.status();
  const codes = await flooded(machine, { to: "boxes" }, async () => {
    killProcess(boxes[2]!.pid);
    await machine.until(({ serving, restarts }) => serving === 3 && restarts === 1);
  });
  // What is gone is the request of a page in that box.
  const known = ["200", "PEER_LOST", "gone"];
  assert.deepEqual(Object.keys(codes).filter((code) => !known.includes(code)), []);
  for (const to of ["box-1", "box-2", "box-3"]) {
    const { from } = JSON.parse(await machine.get(`who?to=${to}`));
    assert.match(from, /^(localhost|box-[123])$/);
  }
});

Deno.test("Boxes report and share the store under messages of a mebibyte", async () => {
  await using machine = await startMachine({ site, boxes: 2 });
  const before = await machine.status();
  const codes = await flooded(machine, { to: "boxes", bytes: 1 << 20 }, async () => {
    for (let turn = 0; turn < 30; turn++) {
      const { boxes } = await machine.status();
      // A box that is silent for 5 seconds is given up.
      for (const { silentMs } of boxes) assert.ok(silentMs < 2500, `${silentMs} ms`);
      await machine.get("stop?name=nobody");
    }
  });
  assert.deepEqual(Object.keys(codes), ["200"], JSON.stringify(codes));
  const pids = (status: typeof before) => status.boxes.map(({ pid }) => pid);
  assert.deepEqual(pids(await machine.status()), pids(before));
});
