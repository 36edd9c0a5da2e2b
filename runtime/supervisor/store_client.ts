/**
 * A box's side of the store that its supervisor owns.
 *
 * @module
 */

import { fromErrorRecord, RuntimeError } from "../errors.ts";
import type { Engine } from "../store/engine.ts";
import { isMachineWide, openEngine } from "../store/open.ts";
import { connectBy } from "../store/served/client.ts";
import type { Wire } from "../store/served/link.ts";
import type { News, Order } from "./messages.ts";
import { TreeWire } from "./store_wire.ts";

type StoreOrder = Extract<Order, { wire: number }>;

/** Opens engines over the tree. */
export class StoreClient {
  readonly #tell: (news: News) => void;
  readonly #wires = new Map<number, TreeWire>();
  readonly #opening = new Map<number, PromiseWithResolvers<Wire>>();
  readonly #engines: Engine[] = [];
  #lastWire = 0;
  #isLost = false;

  /** Tells the supervisor with `tell`, which must not throw. */
  constructor(tell: (news: News) => void) {
    this.#tell = tell;
  }

  /** The engine that the boxes of this machine share; one that all machines reach is opened here. */
  async open(url: string | undefined): Promise<Engine> {
    if (!isMachineWide(url)) return await openEngine(url);
    const engine = await connectBy(() => this.#dial(url), "the supervisor's store");
    this.#engines.push(engine);
    return engine;
  }

  /** Takes what the supervisor sends. */
  receive(order: StoreOrder): void {
    const { wire } = order;
    if (order.type !== "store-opened") return void this.#wires.get(wire)?.receive(order);
    const opening = this.#opening.get(wire);
    this.#opening.delete(wire);
    if (order.failure !== undefined) {
      this.#wires.delete(wire);
      opening?.reject(fromErrorRecord(order.failure));
    } else opening?.resolve(this.#wires.get(wire)!);
  }

  /** The supervisor is gone, and the store with it. */
  lose(): void {
    this.#isLost = true;
    for (const wire of this.#wires.values()) wire.end();
    this.#wires.clear();
    for (const opening of this.#opening.values()) opening.reject(gone());
    this.#opening.clear();
    // Nobody is to wait for a supervisor that does not come back.
    for (const engine of this.#engines) void engine.close();
  }

  #dial(url: string | undefined): Promise<Wire> {
    if (this.#isLost) return Promise.reject(gone());
    const id = ++this.#lastWire;
    const opening = Promise.withResolvers<Wire>();
    const wire = new TreeWire(id, (message) => {
      if (message.type === "store-end") this.#wires.delete(id);
      this.#tell(message);
    });
    this.#wires.set(id, wire);
    this.#opening.set(id, opening);
    this.#tell({ type: "store-open", wire: id, url });
    return opening.promise;
  }
}

function gone(): RuntimeError {
  return new RuntimeError("STORE_FAILED", "Cannot reach the store: the supervisor has ended");
}
