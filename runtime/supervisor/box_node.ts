/**
 * A box under a supervisor, from inside: it boots and serves the site, reports on itself, and does what it is
 * told. It does not outlive its supervisor.
 *
 * @module
 */

import { outliveFaults, standardLog } from "../box/lifecycle.ts";
import { loadSite } from "../box/load_site.ts";
import { serveBox, type ServingBox } from "../box/serve.ts";
import { messageOf, RuntimeError } from "../errors.ts";
import { withFields } from "../log.ts";
import type { Executor } from "../router/types.ts";
import type { Log } from "../types/log.ts";
import { Siblings } from "../xbox/siblings.ts";
import type { BoxBoot, News, Order } from "./messages.ts";
import { type ParentWatch, watchParent } from "./parent_watch.ts";
import { answerPosts } from "./posts.ts";
import { StoreClient } from "./store_client.ts";

/** How often a box reports, in milliseconds. */
const REPORT_MS = 250;

/** How much longer than its grace a box without a supervisor may take, in milliseconds. */
const END_AFTER_MS = 500;

/** Boots a box in this process, as a node of its supervisor's tree. */
export async function runBox(executor: Executor, data: unknown): Promise<void> {
  const boot = data as BoxBoot;
  const log = withFields(standardLog(boot.level), { box: executor.alias });
  const node = new BoxNode(executor, boot, log, watchParent());
  executor.addListener({
    onMessageReceived: ({ source, payload }) => {
      // Orders come from the supervisor only; what comes from elsewhere is a box's.
      if (source === executor.getRootPid()) node.obey(payload as Order);
      else node.siblings.receive(source, payload);
    },
    onPeerShutdown: () => node.lose(),
  });
  // Ctrl-C reaches every process of a terminal; what becomes of it is the supervisor's to say.
  Deno.addSignalListener("SIGINT", () => {});
  Deno.addSignalListener("SIGHUP", () => {});
  Deno.addSignalListener("SIGTERM", () => node.retire("SIGTERM"));
  outliveFaults(log, new AbortController().signal);
  await node.run();
}

/** How long a box that ends waits until what it has to say to its siblings has left, in milliseconds. */
const LAST_WORDS_MS = 500;

/** One box and its link. */
class BoxNode {
  /** The other boxes of the machine. */
  readonly siblings: Siblings;
  readonly #executor: Executor;
  readonly #boot: BoxBoot;
  readonly #log: Log;
  readonly #parent: ParentWatch;
  readonly #store: StoreClient;
  readonly #abort = new AbortController();
  #box: ServingBox | undefined;
  #draining: Promise<void> | undefined;
  #isLost = false;
  /** What is done about leading, one thing after another. */
  #leading: Promise<void> = Promise.resolve();

  constructor(executor: Executor, boot: BoxBoot, log: Log, parent: ParentWatch) {
    this.#executor = executor;
    this.#boot = boot;
    this.#log = log;
    this.#parent = parent;
    this.#store = new StoreClient((news) => this.#tell(news));
    this.siblings = new Siblings({
      port: {
        pid: executor.getPid(),
        send: (pid, frame) => void executor.submit(frame, pid, { raw: true }),
      },
      log,
    });
  }

  /** Boots, says so, and reports until it ends. */
  async run(): Promise<void> {
    const { hostname, port, store, primes, leads } = this.#boot;
    const { signal } = this.#abort;
    try {
      const site = await loadSite(this.#boot.site);
      this.#box = await serveBox(site, { hostname, port, store, signal, log: this.#log }, {
        openEngine: (url) => this.#store.open(url),
        sharesPort: true,
        primes,
        leads,
        siblings: this.siblings,
      });
    } catch (error) {
      this.#tell({ type: "failed", why: messageOf(error) });
      this.#executor.setProcessExitCode(1);
      return this.#executor.shutdown();
    }
    const { port: shared, url } = this.#box;
    this.#tell({ type: "ready", port: shared, url, site: this.#box.status().site });
    this.#report();
    const timer = setInterval(() => this.#report(), REPORT_MS);
    await this.#box.finished;
    clearInterval(timer);
    await this.#draining;
    await this.siblings.flushed(LAST_WORDS_MS);
    this.siblings.close("this box has ended");
    // There is nobody to take leave of.
    if (this.#isLost) Deno.exit(0);
    this.#executor.shutdown();
  }

  /** Does what the supervisor says. */
  obey(order: Order): void {
    switch (order.type) {
      case "drain":
        return this.drain("its supervisor says so", order.graceMs);
      case "lead":
        this.#leading = this.#leading.then(() => this.#lead(order.leads));
        return;
      case "boxes":
        return this.siblings.update(order.boxes);
      case "posts":
        answerPosts(this.#box?.posts, order.question).then((answer) =>
          this.#tell({ type: "posts", id: order.id, answer })
        );
        return;
      default:
        return this.#store.receive(order);
    }
  }

  /** Asks for another box in this one's place, which then is told to drain. */
  retire(why: string): void {
    this.#tell({ type: "retire", why });
  }

  /** There is no supervisor any more. */
  lose(): void {
    this.#isLost = true;
    this.#parent.noticed(this.#boot.graceMs + END_AFTER_MS);
    this.#store.lose();
    this.siblings.close("the supervisor has ended");
    this.drain("its supervisor has ended", this.#boot.graceMs);
  }

  /** Takes no new requests, lets what is under way end, and ends the process. */
  drain(why: string, graceMs: number): void {
    if (this.#draining !== undefined || this.#executor.isShutdown()) return;
    this.#log.info("The box drains", { why });
    if (this.#box === undefined) this.#abort.abort(new RuntimeError("STOPPING", why));
    this.#draining = this.#box?.drain({ graceMs }) ?? Promise.resolve();
  }

  async #lead(leads: boolean): Promise<void> {
    const box = this.#box;
    // Who gives its boot up does not come to lead.
    if (box === undefined) return;
    try {
      await box.lead(leads);
      this.#tell({ type: "leads", leads });
    } catch (error) {
      // What did start must not go on beside the same in another box, and what did not is started anew next time.
      await box.lead(false);
      this.#tell({ type: "leads", leads: false, why: messageOf(error) });
    }
  }

  #report(): void {
    const { rss, heapUsed } = Deno.memoryUsage();
    const box = this.#box!;
    const report = { status: box.status(), rssBytes: rss, heapBytes: heapUsed };
    this.#tell({ type: "report", report: { ...report, posts: box.posts?.status() } });
  }

  #tell(news: News): void {
    // Who has been told to leave, or has no supervisor any more, has nobody to tell.
    if (this.#executor.isShutdown() || this.#executor.peers().length === 0) return;
    this.#executor.submit(news, this.#executor.getRootPid(), { urgent: news.type === "report" });
  }
}
