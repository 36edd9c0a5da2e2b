/**
 * Several boxes on one machine: each is a process of its own, so that whatever a worker does to its process
 * costs one box, and any box can be replaced while the others serve.
 *
 * @module
 */

import { messageOf, RuntimeError } from "../errors.ts";
import { root } from "../router/root.ts";
import type { Executor } from "../router/types.ts";
import { BoxProcess, type BoxState } from "./box_process.ts";
import { Leader } from "./leader.ts";
import { type BoxBoot, type BoxReport, type News, type Order, readNews } from "./messages.ts";
import {
  type ResolvedSupervisorOptions,
  resolveSupervisorOptions,
  type SupervisorOptions,
} from "./options.ts";
import { PostsDesk, type PostsQuestion } from "./posts.ts";
import { waitForPort } from "./port.ts";
import { Slot } from "./slot.ts";
import { StoreOwner } from "./store_owner.ts";

/** Figures of a machine. */
export interface MachineStatus {
  /** What the supervisor is doing. */
  state: "starting" | "serving" | "stopping" | "stopped";
  /** The site's name; empty before the first box serves it. */
  site: string;
  /** Where the boxes answer; empty before the first of them does. */
  url: string;
  /** When the supervisor was started, in milliseconds since the epoch. */
  startedAt: number;
  /** Boxes that there should be. */
  wanted: number;
  /** Boxes that serve. */
  serving: number;
  /** How often a box was started after one was lost. */
  restarts: number;
  /** How often a box was replaced while it served. */
  replacements: number;
  /** Why the last box was lost, or could not be replaced. */
  lastFailure: string | undefined;
  /** Each box that has not ended. */
  boxes: BoxFigures[];
}

/** Figures of one box. */
export interface BoxFigures {
  /** Its place, from 1. */
  slot: number;
  /** Its process id. */
  pid: number;
  /** What it is doing. */
  state: BoxState;
  /** When it was started, in milliseconds since the epoch. */
  startedAt: number;
  /** Milliseconds since it last said something. */
  silentMs: number;
  /** Whether it runs what a machine has once. */
  leads: boolean;
  /** What it last said of itself. */
  report: BoxReport | undefined;
}

/** How often the supervisor looks at its boxes. */
const LOOK_MS = 100;

/** Runs boxes. */
export class Supervisor {
  readonly #options: ResolvedSupervisorOptions;
  readonly #slots: Slot[];
  readonly #node: Executor;
  readonly #store: StoreOwner;
  readonly #leader: Leader;
  readonly #posts: PostsDesk;
  readonly #boxes = new Map<number, BoxProcess>();
  readonly #aliases = new Map<number, string>();
  readonly #finished = Promise.withResolvers<number>();
  readonly #startedAt = Date.now();
  #state: MachineStatus["state"] = "starting";
  #site = "";
  #url = "";
  #port: number;
  #timer: ReturnType<typeof setInterval> | undefined;
  #stopping: Promise<void> | undefined;
  /** What replaces boxes, one after another. */
  #replacing: Promise<unknown> = Promise.resolve();
  #waitingReload: Promise<void> | undefined;
  /** Slots whose box waits to be replaced. */
  readonly #due = new Set<Slot>();
  #lookedAt = performance.now();

  /** Takes how boxes are run; starts nothing. */
  constructor(options: SupervisorOptions) {
    const resolved = this.#options = resolveSupervisorOptions(options);
    const { boxes, graceMs, log } = resolved;
    this.#port = resolved.port;
    this.#node = root({
      // What one box says to another goes to that one only.
      routing: "learned",
      onParentLost: "continue",
      drainMs: 500,
      startMs: resolved.bootMs,
    });
    this.#node.addListener({
      onMessageReceived: ({ source, payload }) => this.#hear(source, payload),
      onPeerShutdown: (_node, { pid, status }) => {
        const box = this.#boxes.get(pid);
        this.#boxes.delete(pid);
        this.#aliases.delete(pid);
        this.#tellBoxes();
        this.#store.forget(pid);
        this.#posts.forget(pid);
        box?.end(status === null ? "its link broke" : `${status.type} ${status.value}`);
      },
      onRouterError: (_operation, _errno, text) => log.warn("A box does not answer", { why: text }),
    });
    this.#store = new StoreOwner((box, order) => this.#send(box, order));
    this.#posts = new PostsDesk((box, id, question) =>
      this.#send(box, { type: "posts", id, question })
    );
    this.#slots = Array.from({ length: boxes }, (_, index) =>
      new Slot(index + 1, {
        start: (slot) => this.#start(slot),
        onChange: () => this.#leader.check(),
        onGiveUp: (why) => this.#giveUp(why),
        ...{ graceMs, log },
      }));
    this.#leader = new Leader(
      () => this.#serving(),
      ({ pid }, leads) => this.#send(pid, { type: "lead", leads }),
      log,
    );
  }

  /**
   * Starts the boxes and resolves when each serves, or has failed while another one serves.
   *
   * @throws {RuntimeError} `BOOT_FAILED` if the first box does not come to serve; nothing is left running then.
   */
  async start(): Promise<void> {
    try {
      const up = this.#up();
      // Nothing is replaced that is only about to start.
      this.#replacing = up.catch(isToldToCaller);
      await up;
    } catch (cause) {
      await (this.#stopping ?? this.stop());
      if (cause instanceof RuntimeError) throw cause;
      throw new RuntimeError("BOOT_FAILED", messageOf(cause), { cause });
    }
  }

  /** Where the boxes answer, with a slash at the end. */
  get url(): string {
    return this.#url;
  }

  /** Where the store is; nothing before a box has named it, and for the default place. */
  get storeUrl(): string | undefined {
    return this.#store.url;
  }

  /** Resolves once everything has stopped, with the exit status of the program: 1 if it was given up. */
  get finished(): Promise<number> {
    return this.#finished.promise;
  }

  /** Figures of the machine. */
  status(): MachineStatus {
    const slots = this.#slots;
    return {
      state: this.#state,
      site: this.#site,
      url: this.#url,
      startedAt: this.#startedAt,
      wanted: slots.length,
      serving: this.#serving().length,
      restarts: sum(slots.map(({ restarts }) => restarts)),
      replacements: sum(slots.map(({ replacements }) => replacements)),
      lastFailure: slots.map(({ lastFailure }) => lastFailure).findLast((why) => why !== undefined),
      boxes: slots.flatMap(({ index, boxes }) =>
        boxes.map((box) => ({
          slot: index,
          pid: box.pid,
          state: box.state,
          startedAt: box.startedAt,
          silentMs: Math.round(performance.now() - box.heardAt),
          leads: this.#leader.box === box,
          report: box.report,
        }))
      ),
    };
  }

  /**
   * Replaces all boxes, one after another, each when its successor serves. Who asks while another reload has not
   * begun gets that one; who asks before all have started waits for that.
   *
   * @throws {Error} If a new box does not come to serve: those that were not replaced go on.
   * @throws {RuntimeError} `STOPPING` if the supervisor stops before all are replaced.
   */
  reload(why: string): Promise<void> {
    return this.#waitingReload ??= this.#inTurn(async () => {
      this.#waitingReload = undefined;
      for (const slot of this.#slots) await slot.replace(why);
    });
  }

  /**
   * Asks a box that serves about durable messages.
   *
   * @throws {RuntimeError} `UNREACHABLE_PEER` if none does, or it does not answer; else what it says.
   */
  async askPosts(question: PostsQuestion): Promise<unknown> {
    const [box] = this.#serving();
    if (box !== undefined) return await this.#posts.ask(box.pid, question);
    const cannot = "Cannot ask a box for durable messages: none serves";
    throw new RuntimeError("UNREACHABLE_PEER", cannot);
  }

  /** Lets all boxes drain, and stops. */
  drain({ graceMs }: { graceMs: number }): Promise<void> {
    return this.#stopping ??= this.#down(0, (slot) => slot.drain(graceMs));
  }

  /** Ends all boxes at once. */
  async stop(): Promise<void> {
    await Promise.all(this.#slots.map((slot) => slot.kill("it was told to stop")));
    await (this.#stopping ??= this.#down(0, (slot) => slot.kill("it was told to stop")));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.drain(this.#options);
  }

  async #up(): Promise<void> {
    const { hostname, signal, log } = this.#options;
    signal?.throwIfAborted();
    const giveUp = () => void this.stop();
    signal?.addEventListener("abort", giveUp);
    try {
      await waitForPort(hostname, this.#port, signal);
      const [first, ...others] = this.#slots;
      await first!.fill();
      await Promise.all(
        others.map((slot) =>
          slot.fill().catch((error) =>
            log.error("A box could not start", { why: messageOf(error) })
          )
        ),
      );
    } finally {
      signal?.removeEventListener("abort", giveUp);
    }
    signal?.throwIfAborted();
    if (this.#stopping !== undefined) throw new RuntimeError("STOPPING", "it was told to stop");
    this.#state = "serving";
    this.#lookedAt = performance.now();
    this.#timer = setInterval(() => this.#look(), LOOK_MS);
  }

  #start(slot: Slot): BoxProcess {
    const { site, hostname, store, graceMs, level, flags, bootMs } = this.#options;
    const leads = this.#leader.box === undefined && this.#serving().length === 0;
    const boot: BoxBoot = {
      ...{ site, hostname, store, graceMs, level, leads },
      port: this.#port,
      primes: this.#url === "",
    };
    const alias = `box-${slot.index}`;
    const pid = this.#node.fork(alias, {
      program: { main: new URL("../../mod.ts", import.meta.url), args: ["box"], flags },
      data: boot,
    });
    const box = new BoxProcess(pid, bootMs, {
      drain: (pid, graceMs) => {
        // The others hear it first, and send to its successor.
        this.#tellBoxes();
        this.#send(pid, { type: "drain", graceMs });
      },
      kill: (pid) => void this.#node.killNode(pid, "SIGKILL", { real: true }),
    });
    this.#boxes.set(pid, box);
    this.#aliases.set(pid, alias);
    this.#tellBoxes();
    if (leads) this.#leader.begin(box);
    return box;
  }

  #hear(pid: number, payload: unknown): void {
    const box = this.#boxes.get(pid);
    if (box === undefined) return;
    const news = readNews(payload);
    if (news === undefined || !this.#take(box, news)) {
      void box.kill("it broke the rules of its link");
    }
  }

  #take(box: BoxProcess, news: News): boolean {
    box.hear(news);
    switch (news.type) {
      case "ready":
        if (this.#url === "") {
          this.#site = news.site;
          this.#url = news.url;
          this.#port = news.port;
        }
        this.#tellBoxes();
        return true;
      case "leads":
        this.#leader.hear(box, news.leads, news.why);
        return true;
      case "retire":
        this.#retire(box, news.why);
        return true;
      case "posts":
        return this.#posts.hear(box.pid, news.id, news.answer);
      case "failed":
      case "report":
        return true;
      default:
        return this.#store.receive(box.pid, news);
    }
  }

  /** Tells every box which boxes there are, and which of them take messages. */
  #tellBoxes(): void {
    const boxes = [...this.#boxes.values()].map(({ pid, state }) => ({
      alias: this.#aliases.get(pid)!,
      pid,
      serving: state === "serving",
    }));
    for (const { pid } of boxes) this.#send(pid, { type: "boxes", boxes });
  }

  #send(pid: number, order: Order): void {
    if (!this.#boxes.has(pid) || this.#node.isShutdown()) return;
    try {
      this.#node.submit(order, pid);
    } catch (error) {
      // It does not read what it is sent, be it from here or from its siblings.
      void this.#boxes.get(pid)!.kill(messageOf(error));
    }
  }

  #serving(): BoxProcess[] {
    return this.#slots.flatMap(({ box }) => box?.state === "serving" ? [box] : []);
  }

  /** Replaces what must be. */
  #look(): void {
    const now = performance.now();
    const { heartbeatMs, maxMemoryBytes, maxAgeMs } = this.#options;
    // Who has not looked for so long has not listened either.
    const wasAway = now - this.#lookedAt > heartbeatMs / 2;
    this.#lookedAt = now;
    if (wasAway) { for (const box of this.#boxes.values()) box.heardAt = now; }
    for (const slot of this.#slots) {
      if (!slot.isReplaceable) continue;
      const { heardAt, servesSince, report } = slot.box!;
      const isStuck = now - heardAt > heartbeatMs;
      const why = isStuck
        ? `it has said nothing for ${heartbeatMs} ms`
        : report !== undefined && report.status.leaked > 0
        ? "it has stuck workers"
        : maxMemoryBytes > 0 && (report?.rssBytes ?? 0) > maxMemoryBytes
        ? `it takes more than ${maxMemoryBytes} bytes of memory`
        : maxAgeMs > 0 && now - servesSince > maxAgeMs
        ? `it has served for ${maxAgeMs} ms`
        : undefined;
      if (why !== undefined) this.#replaceInBackground(slot, why, isStuck);
    }
  }

  #retire(box: BoxProcess, why: string): void {
    const slot = this.#slots.find((one) => one.box === box);
    if (slot === undefined || box.state !== "serving") return;
    this.#replaceInBackground(slot, why, false);
  }

  #replaceInBackground(slot: Slot, why: string, isStuck: boolean): void {
    if (this.#due.has(slot)) return;
    this.#due.add(slot);
    this.#replace(slot, why, isStuck).finally(() => this.#due.delete(slot)).catch((error) => {
      if (this.#stopping !== undefined) return;
      this.#options.log.error("A box could not be replaced", {
        ...{ slot: slot.index, why },
        error: messageOf(error),
      });
    });
  }

  /** Replaces the box that is in a slot now, unless another one is by then. */
  #replace(slot: Slot, why: string, isStuck: boolean): Promise<void> {
    const old = slot.box;
    return this.#inTurn(async () => {
      if (slot.box === old) await slot.replace(why, isStuck);
    });
  }

  /** One replacement after another: so many boxes as are wanted serve at any time, and no more than one beside them. */
  #inTurn(work: () => Promise<void>): Promise<void> {
    const done = this.#replacing.then(work);
    this.#replacing = done.catch(isToldToCaller);
    return done;
  }

  #giveUp(why: string): void {
    const { log } = this.#options;
    log.error("A box is given up", { why });
    if (!this.#slots.every(({ givenUp }) => givenUp)) return;
    log.error("No box is left", { why });
    this.#stopping ??= this.#down(1, (slot) => slot.kill(why));
  }

  async #down(status: number, end: (slot: Slot) => Promise<void>): Promise<void> {
    this.#state = "stopping";
    clearInterval(this.#timer);
    this.#leader.close();
    await Promise.all(this.#slots.map(end));
    this.#posts.forget();
    await this.#store.close();
    await this.#node.close();
    this.#state = "stopped";
    this.#finished.resolve(status);
  }
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((all, one) => all + one, 0);
}

function isToldToCaller(): void {}
