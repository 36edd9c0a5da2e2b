/**
 * One client, on the side of the process that owns the engine.
 *
 * Its calls wait in its own lanes. When as many wait as may, or its answers are not taken, nothing more
 * is read from it: it waits, the owner and the other clients do not. What is no frame ends it, and it alone.
 *
 * @module
 */

import { messageOf, RuntimeError, toErrorRecord } from "../../errors.ts";
import type { Engine, Row, RowCheck, RowWatch, RowWrite } from "../engine.ts";
import type { KvKey } from "../keys.ts";
import { badFrame } from "./bytes.ts";
import { decodeRequest, encodeReply, type Reply, type Request } from "./frames.ts";
import type { Lane, Lanes } from "./lanes.ts";
import { FrameLink, type Wire } from "./link.ts";

/** What a session needs of the owner. */
export interface Host {
  /** What is served; `commit` is not called. */
  readonly engine: Engine;
  /** The most bytes of a frame. */
  readonly frameBytes: number;
  /** Turns to commit. */
  readonly commits: Lanes;
  /** Turns to read. */
  readonly reads: Lanes;
  /** Commits for a session, and lets all others know. */
  commit(
    from: Session,
    checks: readonly RowCheck[],
    writes: readonly RowWrite[],
  ): Promise<string | null>;
}

const MAX_WAITING = 64;
const MAX_WAITING_BYTES = 4 * 1024 * 1024;
const MAX_WATCHES = 1024;
const MAX_PAGE_ROWS = 1000;
const PAGE_BYTES = 256 * 1024;

/** Answers one client until its connection ends. */
export class Session {
  readonly #host: Host;
  readonly #link: FrameLink;
  readonly #commits: Lane;
  readonly #reads: Lane;
  readonly #watches = new Map<number, RowWatch>();
  #waiting = 0;
  #waitingBytes = 0;
  #roomier: PromiseWithResolvers<void> | undefined;
  #isWelcome = false;
  #hasMissed = false;
  #hasEnded = false;

  /** Holds `wire`, and closes it in the end. */
  constructor(wire: Wire, host: Host) {
    this.#host = host;
    const { commits, reads } = host;
    const link = this.#link = new FrameLink(wire, () => {
      commits.serve();
      reads.serve();
      this.#tellMissed();
    });
    link.frameBytes = host.frameBytes;
    this.#commits = commits.open(() => !link.isFull);
    this.#reads = reads.open(() => !link.isFull);
  }

  /** Answers requests; resolves when the connection has ended. It does not reject. */
  async run(): Promise<void> {
    let reason = "";
    try {
      for (let frame; (frame = await this.#link.next()) !== null;) {
        this.#take(decodeRequest(frame), frame.length);
        await this.#room();
      }
    } catch (error) {
      reason = messageOf(error);
    }
    await this.end(reason);
  }

  /** Tells the client that others have written rows, by a frame that says so. */
  foreign(frame: Uint8Array<ArrayBuffer>): void {
    if (!this.#isWelcome) return;
    if (this.#link.isFull) this.#hasMissed = true;
    else this.#link.send(frame);
  }

  /** Begins nothing more; what waits is dropped, what is under way is still answered. */
  stop(): void {
    this.#commits.close();
    this.#reads.close();
  }

  /** Ends it, and lets the client know why if there is a reason. */
  async end(reason: string): Promise<void> {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    this.stop();
    for (const watch of this.#watches.values()) watch.close();
    this.#watches.clear();
    this.#roomier?.resolve();
    if (reason === "") return this.#link.end();
    this.#send({ kind: "goodbye", id: 0, reason });
    await this.#link.finish();
  }

  #take(request: Request, bytes: number): void {
    const { id } = request;
    if (request.kind === "hello") return this.#welcome();
    if (!this.#isWelcome) throw badFrame(`"${request.kind}" comes before "hello"`);
    switch (request.kind) {
      case "read":
        return this.#queue(this.#reads, id, bytes, async () => {
          return { kind: "rows", id, rows: await this.#host.engine.read(request.keys) };
        });
      case "commit":
        return this.#queue(this.#commits, id, bytes, async () => {
          const { checks, writes } = request;
          return { kind: "committed", id, version: await this.#host.commit(this, checks, writes) };
        });
      case "scan":
        return this.#queue(this.#reads, id, bytes, () => this.#page(request));
      case "watch":
        return this.#watch(id, request.keys);
      case "unwatch":
        this.#watches.get(id)?.close();
        this.#watches.delete(id);
    }
  }

  #welcome(): void {
    if (this.#isWelcome) throw badFrame('"hello" comes twice');
    this.#isWelcome = true;
    const { engine: { limits }, frameBytes } = this.#host;
    this.#send({ kind: "welcome", id: 0, limits, frameBytes });
  }

  #queue(lane: Lane, id: number, bytes: number, answer: () => Promise<Reply>): void {
    this.#waiting++;
    this.#waitingBytes += bytes;
    lane.push(async () => {
      this.#waiting--;
      this.#waitingBytes -= bytes;
      this.#roomier?.resolve();
      try {
        this.#answer(id, await answer());
      } catch (error) {
        this.#send({ kind: "failed", id, error: toErrorRecord(error) });
      }
    });
  }

  async #room(): Promise<void> {
    while (
      !this.#hasEnded && (this.#waiting >= MAX_WAITING || this.#waitingBytes >= MAX_WAITING_BYTES)
    ) {
      this.#roomier = Promise.withResolvers();
      await this.#roomier.promise;
    }
  }

  #answer(id: number, reply: Reply): void {
    const frame = encodeReply(reply);
    const { frameBytes } = this.#host;
    if (frame.length <= frameBytes) return this.#link.send(frame);
    throw new RuntimeError(
      "STORE_FAILED",
      `Cannot answer call ${id}: the answer takes ${frame.length} bytes, ` +
        `at most ${frameBytes} fit into a frame`,
    );
  }

  async #page({ id, prefix, after, rows: wanted }: Request & { kind: "scan" }): Promise<Reply> {
    const most = Math.min(Math.max(wanted, 1), MAX_PAGE_ROWS);
    const rows: Row[] = [];
    let bytes = 0;
    for await (const row of this.#host.engine.scan(prefix, after ?? undefined, most)) {
      rows.push(row);
      bytes += row.value?.length ?? 0;
      if (rows.length === most || bytes >= PAGE_BYTES) {
        return { kind: "page", id, rows, isLast: false };
      }
    }
    return { kind: "page", id, rows, isLast: true };
  }

  #watch(id: number, keys: readonly KvKey[]): void {
    if (this.#watches.has(id)) throw badFrame(`watch ${id} begins twice`);
    if (this.#watches.size >= MAX_WATCHES) {
      const error = new RuntimeError(
        "QUEUE_FULL",
        `Cannot watch rows: this client watches ${MAX_WATCHES} times already`,
      );
      return this.#send({ kind: "failed", id, error: toErrorRecord(error) });
    }
    try {
      const watch = this.#host.engine.watch(keys);
      this.#watches.set(id, watch);
      this.#follow(id, watch);
    } catch (error) {
      this.#send({ kind: "failed", id, error: toErrorRecord(error) });
    }
  }

  async #follow(id: number, watch: RowWatch): Promise<void> {
    try {
      // The first pulse stands for what happened until the request came.
      while (this.#watches.get(id) === watch) {
        this.#send({ kind: "pulse", id });
        await this.#link.flushed(); // what happens until then is one pulse
        await watch.changed();
      }
    } catch (error) {
      if (this.#watches.get(id) !== watch) return;
      this.#watches.delete(id);
      watch.close();
      this.#send({ kind: "failed", id, error: toErrorRecord(error) });
    }
  }

  #tellMissed(): void {
    if (!this.#hasMissed) return;
    this.#hasMissed = false;
    this.#send({ kind: "foreign", id: 0, keys: null });
  }

  #send(reply: Reply): void {
    this.#link.send(encodeReply(reply));
  }
}
