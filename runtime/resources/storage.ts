/**
 * Storage: the instances that one thread has, and what it knows of the ids behind them.
 *
 * Constructors and destructors always run in their own isolate: it reads the board, and makes and destroys what the
 * board says at its next turn or at its first access, whichever comes first.
 *
 * Workers load this file.
 *
 * @module
 */

import { type Board, type Row, SEEN_ALL, slotOf, WORD } from "./board.ts";
import {
  construct,
  type Definition,
  findExport,
  type Offer,
  type ResourceCtor,
  type ResourceDtor,
} from "./definition.ts";
import { MissingResourceError, throwAll } from "./errors.ts";
import { freeInFrames, prepareFrames } from "./frames.ts";

/** What a storage tells others. */
export interface StorageEvents {
  /** Hears that the thread's table is about to be made, and that it is. */
  onBegin(number: number): void;
  /** Hears that the table is complete. */
  onBegun(number: number): void;
  /** Hears of every change of the board, before any constructor runs. */
  onChange(): void;
  /** Hears what destructors threw that nobody was waiting for. */
  onError(error: unknown): void;
}

/** What is done by whoever has a board to read. */
export class Storage {
  /** Where ids are read from. */
  readonly board: Board;
  /** The words of the board. */
  readonly words: Int32Array<ArrayBufferLike>;
  /** The thread's number. */
  readonly number: number;
  /** Definitions by id. */
  readonly definitions: (Definition | undefined)[] = [undefined];
  /** Ids that are not freed, by name. */
  readonly names = new Map<string, number>();
  /** Names that this thread is registering now. */
  readonly offers = new Map<string, Offer>();
  /** Instances by id: `undefined` not made yet or of request scope, `null` freed. */
  readonly table: unknown[] = [undefined];
  /** What others may look at. */
  readonly view: readonly unknown[] = readOnly(this.table);
  /** Live ids of request scope. */
  requestIds = 0;
  /** Version of the board up to which this thread knows it. */
  version = -1;
  /** Whether the thread has ended, or everything was shut down. */
  isClosed = false;
  #hasTable = false;
  #frees = 0;
  #applied = 0;
  readonly #freed: number[] = [];
  readonly #loads = new Set<Promise<void>>();
  readonly #events: StorageEvents;
  readonly #seen: number;

  /** Reads `board` for the thread of this number, which writes what it has seen at `slot`. */
  constructor(board: Board, number: number, slot: number, events: StorageEvents) {
    this.board = board;
    this.words = board.words;
    this.number = number;
    this.#events = events;
    this.#seen = slotOf(slot) + 1;
  }

  /** Whether the thread has a table. */
  get hasTable(): boolean {
    return this.#hasTable;
  }

  /** Reads what is new on the board. No code of a site runs here. */
  read(): void {
    const { board } = this;
    const { version } = board;
    if (version === this.version) return;
    const { count } = board;
    for (let id = this.definitions.length; id <= count; id++) this.#define(id, board.read(id));
    const frees = Atomics.load(this.words, WORD.frees);
    if (frees !== this.#frees) {
      this.#frees = frees;
      for (let id = 1; id < this.definitions.length; id++) if (board.isFreed(id)) this.#free(id);
    }
    this.version = version;
  }

  /** Takes over what has changed: destroys what was freed, makes what is new, says that it did. */
  apply(errors: unknown[]): void {
    this.#events.onChange();
    for (let id = this.#freed.pop(); id !== undefined; id = this.#freed.pop()) {
      this.#destroy(id, null, errors);
      freeInFrames(id, this.definitions[id]!, errors);
    }
    if (this.#hasTable) this.#fill();
    this.#acknowledge();
  }

  /** Reads and applies; what destructors throw is reported. */
  catchUp(): void {
    this.read();
    const errors: unknown[] = [];
    this.apply(errors);
    for (const error of errors) this.#events.onError(error);
  }

  /** Makes the table, which happens at the thread's first access. */
  begin(): void {
    if (this.#hasTable || this.isClosed) return;
    try {
      this.#events.onBegin(this.number);
    } finally {
      this.#hasTable = true;
      this.#applied = 0;
      this.#fill();
      this.#acknowledge();
    }
    this.#events.onBegun(this.number);
  }

  /**
   * Makes an instance, of whatever scope.
   *
   * @throws {MissingResourceError} If this thread has no constructor for it.
   */
  make(definition: Definition): unknown {
    const { name, ctor, hasCtor, module } = definition;
    if (definition.isBeingMade) {
      throw new MissingResourceError(name, "its constructor asks for what it is making");
    }
    if (ctor === undefined && hasCtor) {
      this.#load(definition);
      const { failure } = definition;
      if (module === undefined) {
        throw new MissingResourceError(name, "this thread has no constructor");
      }
      if (failure !== undefined) {
        throw new MissingResourceError(name, `${module} brings no constructor`, { cause: failure });
      }
      throw new MissingResourceError(name, `${module} is loading; settled() waits for it`);
    }
    definition.isBeingMade = true;
    try {
      return construct(ctor);
    } finally {
      definition.isBeingMade = false;
    }
  }

  /**
   * Makes this thread's instance if it has none.
   *
   * @throws What the constructor throws; it is tried again next time.
   */
  build(id: number): unknown {
    const definition = this.definitions[id]!;
    if (this.table[id] !== undefined) return this.table[id];
    const instance = this.make(definition);
    // Its own constructor may have freed the id, or ended the thread.
    if (definition.isFreed || !this.#hasTable) definition.dtor?.(instance);
    else this.table[id] = instance;
    return this.table[id];
  }

  /** Resolves when the modules that are loading have loaded, or failed to. */
  async loaded(): Promise<void> {
    while (this.#loads.size > 0) await Promise.all(this.#loads);
  }

  /** Takes this isolate's own functions for a resource that it only knew from others, and makes the instance. */
  adopt(id: number, ctor: ResourceCtor | undefined, dtor: ResourceDtor<unknown> | undefined): void {
    const definition = this.definitions[id]!;
    // Without a constructor it may be a question only, and then the constructor can still come.
    definition.isOwn = ctor !== undefined || !definition.hasCtor;
    definition.dtor ??= dtor;
    if (ctor === undefined || definition.ctor !== undefined) return;
    definition.ctor = ctor;
    if (!this.#hasTable || definition.scope !== "thread") return;
    // Nothing but the empty object of a resource that others make without a constructor.
    this.table[id] = undefined;
    this.build(id);
  }

  /** Marks an id as done in this thread alone, whatever the board says. */
  freeHere(id: number): void {
    this.#free(id);
  }

  /** Destroys the instance of one id; it is made again at the next access. */
  drop(id: number, errors: unknown[]): void {
    this.#destroy(id, undefined, errors);
  }

  /** Destroys everything, the highest id first, and drops the table. */
  clear(errors: unknown[]): void {
    for (let id = this.table.length - 1; id > 0; id--) this.#destroy(id, undefined, errors);
    this.table.length = 1;
    this.#hasTable = false;
    this.#applied = 0;
  }

  /** Ends the thread's part: nobody waits for it any more. */
  close(): void {
    this.isClosed = true;
    this.see(SEEN_ALL);
  }

  /** Says up to which version this thread has done its part. */
  see(version: number): void {
    Atomics.store(this.words, this.#seen, version);
    Atomics.notify(this.words, this.#seen);
  }

  #define(id: number, row: Row): void {
    const offer = this.offers.get(row.name);
    const isOurs = offer !== undefined && offer.scope === row.scope;
    const definition: Definition = { ...row, isOwn: isOurs, isFreed: false, isBeingMade: false };
    this.definitions[id] = definition;
    this.names.set(row.name, id);
    this.table[id] = undefined;
    if (isOurs) {
      definition.ctor = offer.ctor;
      definition.dtor = offer.dtor;
      this.table[id] = offer.instance;
    }
    if (row.scope === "request") {
      this.requestIds++;
      prepareFrames();
    }
  }

  #free(id: number): void {
    const definition = this.definitions[id]!;
    if (definition.isFreed) return;
    definition.isFreed = true;
    if (this.names.get(definition.name) === id) this.names.delete(definition.name);
    if (definition.scope === "request") this.requestIds--;
    this.#freed.push(id);
  }

  #fill(): void {
    const { definitions, table } = this;
    while (this.#applied < definitions.length - 1) {
      const id = ++this.#applied;
      const definition = definitions[id]!;
      if (definition.isFreed) table[id] = null;
      else if (definition.scope === "thread" && table[id] === undefined) {
        if (definition.ctor === undefined && definition.hasCtor) this.#load(definition);
        else this.#try(id, definition);
      }
    }
  }

  /** What fails here is tried again, and throws, when somebody asks for it. */
  #try(id: number, definition: Definition): void {
    if (definition.isBeingMade) return;
    try {
      this.build(id);
    } catch {
      // As above.
    }
  }

  #load(definition: Definition): void {
    const { module, failure, loading } = definition;
    if (module === undefined || failure !== undefined || loading !== undefined) return;
    const load = definition.loading = this.#import(definition, module);
    this.#loads.add(load);
    load.then(() => {
      this.#loads.delete(load);
      definition.loading = undefined;
      if (!this.isClosed) this.#acknowledge();
    });
  }

  async #import(definition: Definition, module: string): Promise<void> {
    try {
      const exported = findExport(await import(module), definition.name);
      if (exported === undefined) throw new TypeError(`${module} exports no such function`);
      definition.ctor ??= exported.ctor;
      definition.dtor ??= exported.dtor;
    } catch (error) {
      definition.failure = error;
      return;
    }
    const id = this.names.get(definition.name);
    const isWanted = this.#hasTable && !this.isClosed && definition.scope === "thread";
    if (id !== undefined && this.definitions[id] === definition && isWanted) {
      if (this.table[id] === undefined) this.#try(id, definition);
    }
  }

  #acknowledge(): void {
    const isBehind = this.#loads.size > 0 || !this.#hasTable && this.definitions.length > 1;
    if (!isBehind && !this.isClosed) this.see(this.version);
  }

  #destroy(id: number, after: null | undefined, errors: unknown[]): void {
    const instance = this.table[id];
    this.table[id] = after;
    if (instance === undefined || instance === null) return;
    try {
      this.definitions[id]!.dtor?.(instance);
    } catch (error) {
      errors.push(error);
    }
  }
}

/** Destroys everything that a storage holds, and throws what destructors threw. */
export function clearStorage(storage: Storage, what: string): void {
  const errors: unknown[] = [];
  storage.clear(errors);
  throwAll(errors, what);
}

function readOnly(table: unknown[]): readonly unknown[] {
  return new Proxy(table, {
    set: () => false,
    defineProperty: () => false,
    deleteProperty: () => false,
    setPrototypeOf: () => false,
    preventExtensions: () => false,
  });
}
