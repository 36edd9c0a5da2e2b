/**
 * The store of a machine: one process owns the engine, so that no box starves another, and a store in memory is
 * the same for all. The supervisor runs no code of the site, so it is the one.
 *
 * @module
 */

import { RuntimeError, toErrorRecord } from "../errors.ts";
import { openEngine } from "../store/open.ts";
import type { Wire } from "../store/served/link.ts";
import { type Acceptor, type ServedEngine, serveOn } from "../store/served/server.ts";
import type { News, Order } from "./messages.ts";
import { TreeWire } from "./store_wire.ts";

type StoreNews = Extract<News, { wire: number }>;

/** Connections of one box; it needs one, and a moment two. */
const MOST_WIRES = 16;

/** Serves one engine to boxes. */
export class StoreOwner {
  readonly #send: (box: number, order: Order) => void;
  readonly #wires = new Map<string, { box: number; wire: TreeWire }>();
  #url: string | undefined;
  #serving: Promise<Served> | undefined;

  /** Sends to a box with `send`, which must not throw. */
  constructor(send: (box: number, order: Order) => void) {
    this.#send = send;
  }

  /** Where the data is; nothing before a box has named it, and for the default place. */
  get url(): string | undefined {
    return this.#url;
  }

  /** Takes what a box sends; says whether it keeps to the rules. */
  receive(box: number, news: StoreNews): boolean {
    const key = `${box} ${news.wire}`;
    if (news.type !== "store-open") return this.#wires.get(key)?.wire.receive(news) ?? true;
    const open = [...this.#wires.values()].filter((one) => one.box === box).length;
    if (this.#wires.has(key) || open >= MOST_WIRES) return false;
    const { wire: id } = news;
    const wire = new TreeWire(id, (message) => {
      if (message.type === "store-end") this.#wires.delete(key);
      this.#send(box, message);
    });
    this.#wires.set(key, { box, wire });
    this.#open(news.url).then(({ accept }) => {
      this.#send(box, { type: "store-opened", wire: id });
      accept(wire);
    }).catch((error) => {
      this.#wires.delete(key);
      this.#send(box, { type: "store-opened", wire: id, failure: toErrorRecord(error) });
    });
    return true;
  }

  /** A box has ended. */
  forget(box: number): void {
    for (const [key, { box: owner, wire }] of this.#wires) {
      if (owner !== box) continue;
      this.#wires.delete(key);
      wire.end();
    }
  }

  /** Closes the engine. */
  async close(): Promise<void> {
    const served = await this.#serving?.catch(isToldToBoxes);
    await served?.engine.close();
  }

  #open(url: string | undefined): Promise<Served> {
    if (this.#serving !== undefined) {
      if (url === this.#url) return this.#serving;
      const cannot =
        "Cannot open the store: the boxes of one machine share one, and this box names another";
      return Promise.reject(new RuntimeError("STORE_FAILED", cannot));
    }
    this.#url = url;
    const serving = this.#serving = serve(url);
    serving.catch(() => this.#serving = undefined);
    return serving;
  }
}

interface Served {
  engine: ServedEngine;
  accept(wire: Wire): void;
}

async function serve(url: string | undefined): Promise<Served> {
  const engine = await openEngine(url);
  const waiting: Wire[] = [];
  let asked = Promise.withResolvers<Wire>();
  let isAsked = false;
  const acceptor: Acceptor = {
    accept: () => {
      const wire = waiting.shift();
      if (wire !== undefined) return Promise.resolve(wire);
      asked = Promise.withResolvers();
      isAsked = true;
      return asked.promise;
    },
    close: () => asked.reject(new Deno.errors.Interrupted("The store is closed")),
  };
  return {
    engine: serveOn(engine, acceptor),
    accept: (wire) => {
      if (!isAsked) return void waiting.push(wire);
      isAsked = false;
      asked.resolve(wire);
    },
  };
}

function isToldToBoxes(): undefined {}
