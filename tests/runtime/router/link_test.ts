import assert from "node:assert/strict";
import { countWorkers } from "../../support/workers.ts";
import { spawnChild } from "../../../runtime/router/fork_process.ts";
import type { Frame } from "../../../runtime/router/frames.ts";
import type { ExitStatus, Link } from "../../../runtime/router/link.ts";
import { linkPair, PortLink } from "../../../runtime/router/port_link.ts";
import { until } from "./support.ts";

/** A link whose other end sends back what it gets. */
interface Opened {
  link: Link;
  release(): void;
}

function openPort(): Opened {
  const [link, far] = linkPair();
  far.start({
    onOpen() {},
    onFrame: (value) => far.send(value as Frame),
    onFault() {},
    onEnd() {},
  });
  return { link, release: () => far.end(null) };
}

function openWorker(): Opened {
  const worker = new Worker(new URL("./echo_link_worker.ts", import.meta.url), { type: "module" });
  return { link: new PortLink(worker, () => worker.terminate()), release() {} };
}

function openProcess(): Opened {
  const source = `import ${
    JSON.stringify(new URL("./echo_link_process.ts", import.meta.url).href)
  }`;
  return { link: spawnChild(source, "none").link(undefined, 0), release() {} };
}

function watch(link: Link) {
  const seen = {
    open: 0,
    frames: [] as unknown[],
    faults: [] as unknown[],
    ends: [] as (ExitStatus | null)[],
  };
  link.start({
    onOpen: () => void seen.open++,
    onFrame: (value) => void seen.frames.push(value),
    onFault: (error) => void seen.faults.push(error),
    onEnd: (status) => void seen.ends.push(status),
  });
  return seen;
}

/** What every kind of link has to do. */
for (
  const [kind, open] of [
    ["port", openPort],
    ["worker", openWorker],
    ["process", openProcess],
  ] as const
) {
  Deno.test(`a ${kind} link opens once and carries frames whole and in order`, async () => {
    using workers = countWorkers();
    const { link, release } = open();
    const seen = watch(link);
    await until("it opens", () => seen.open === 1);
    const frames = Array.from({ length: 500 }, (_, ack): Frame => ({ type: "ack", ack }));
    const bytes = new Uint8Array(3 * 2 ** 20).map((_, at) => at);
    for (const frame of frames) link.send(frame);
    const big = { type: "message", ack: 0, seq: 1, envelope: { payload: bytes } };
    link.send(big as unknown as Frame);
    await until("all is back", () => seen.frames.length === 501);
    assert.deepEqual(seen.frames.slice(0, 500), frames);
    assert.deepEqual(seen.frames[500], big);
    assert.equal(bytes.length, 3 * 2 ** 20, "what is sent stays with the sender");
    assert.deepEqual([seen.open, seen.faults, seen.ends], [1, [], []]);
    link.end(null);
    release();
    await until("it has ended", () => seen.ends.length === 1);
    assert.equal(workers.running, 0);
  });

  Deno.test(`a ${kind} link ends once, with the status given, and carries nothing afterwards`, async () => {
    using workers = countWorkers();
    const { link, release } = open();
    const seen = watch(link);
    await until("it opens", () => seen.open === 1);
    link.send({ type: "ping", ack: 0 });
    link.end({ type: "signaled", value: 9 });
    link.end(null);
    link.send({ type: "ping", ack: 1 });
    await until("it has ended", () => seen.ends.length > 0);
    await new Promise((resolve) => setTimeout(resolve, 20));
    assert.deepEqual(seen.ends, [{ type: "signaled", value: 9 }]);
    assert.deepEqual(seen.frames, []);
    release();
    assert.equal(workers.running, 0);
  });

  Deno.test(`a ${kind} link that ends before it opens is released`, async () => {
    using workers = countWorkers();
    const { link, release } = open();
    const seen = watch(link);
    link.end(null);
    await until("it has ended", () => seen.ends.length > 0);
    const status = kind === "process" ? { type: "signaled", value: 9 } : null;
    assert.deepEqual([seen.open, seen.ends], [0, [status]]);
    release();
    assert.equal(workers.running, 0);
  });
}

for (const [kind, open] of [["worker", openWorker], ["process", openProcess]] as const) {
  Deno.test(`a ${kind} link reports an uncaught error as the end with exit code 1`, async () => {
    using workers = countWorkers();
    const { link } = open();
    const seen = watch(link);
    await until("it opens", () => seen.open === 1);
    link.send({ type: "leave", ack: 0 });
    await until("it ends", () => seen.ends.length === 1);
    assert.deepEqual(seen.ends, [{ type: "exited", value: 1 }]);
    if (kind === "worker") assert.match(String(seen.faults[0]), /asked to fail/);
    assert.equal(workers.running, 0);
  });
}
