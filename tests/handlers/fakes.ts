/**
 * Stands in for the runtime in tests of the shipped site: a store in a `Map`, pagelets and messages
 * that are answered in place.
 *
 * @module
 */

import pageletApp from "../../handlers/pagelets.ts";
import searchIndex from "../../handlers/threads/search_index.ts";
import startup from "../../handlers/startup.ts";
import processMessage, { type Message } from "../../handlers/xbox.ts";
import { composeApp } from "../../runtime/pagelet/compose.ts";
import { TrueGlobals } from "../../runtime/resources/true_globals.ts";
import type { StartupContext } from "../../runtime/types/document.ts";
import type { Log } from "../../runtime/types/log.ts";
import type { PageletPart, PageletTask } from "../../runtime/types/pagelet.ts";
import type { Store, StoreKey } from "../../runtime/types/store.ts";
import type { XboxContext } from "../../runtime/types/xbox.ts";

/** A log that drops everything. */
export const log: Log = { debug() {}, info() {}, warn() {}, error() {} };

/** The true globals as the startup document leaves them. */
export const globals = new TrueGlobals();
startup({ globals } as unknown as StartupContext);

/** A store in a `Map`, as far as the site uses one. */
export function fakeStore(entries: [StoreKey, unknown][] = []) {
  const values = new Map(entries.map(([key, value]) => [nameOf(key), value]));
  const store = {
    get: (key: StoreKey) => Promise.resolve(values.get(nameOf(key))),
    getMany: (keys: StoreKey[]) => Promise.resolve(keys.map((key) => values.get(nameOf(key)))),
    has: (key: StoreKey) => Promise.resolve(values.has(nameOf(key))),
    set(key: StoreKey, value: unknown) {
      values.set(nameOf(key), structuredClone(value));
      return Promise.resolve();
    },
    async *list({ prefix }: { prefix: string }) {
      for (const [name, value] of values) {
        const key = JSON.parse(name);
        if (key[0] === prefix) yield await Promise.resolve({ key, value });
      }
    },
  };
  return store as unknown as Store;
}

/** A store that the thread document has put its index into. */
export async function indexedStore(): Promise<Store> {
  const store = fakeStore();
  const context = { store, log, started() {}, stopped: () => Promise.resolve(true) };
  await searchIndex(context as unknown as Parameters<typeof searchIndex>[0]);
  return store;
}

/** Sends one message to the xbox document. */
export function send(message: unknown, store: Store) {
  const context = { store, log, from: "localhost", attempt: 1 };
  return processMessage(message as Message, context as unknown as XboxContext);
}

/** Asks the site's own pagelets in place; a refused URL counts as a full queue. */
export function fakePagelets(refuse: (url: string) => boolean = () => false) {
  const urls: string[] = [];
  function tryStart(url: string): PageletTask | null {
    urls.push(url);
    return refuse(url) ? null : fakeTask(url);
  }
  return { urls, pagelets: { enabled: true, started: 0, start: tryStart, tryStart } };
}

/** What {@linkcode request} can be told. */
export interface RequestOptions {
  store?: Store;
  variables?: Record<string, unknown>;
  headers?: HeadersInit;
}

/** Plays a request to `app` with the fakes in `c.var`, and waits for the work after the response. */
export async function request(app: unknown, path: string, options: RequestOptions = {}) {
  const { store = fakeStore(), variables = {}, headers } = options;
  const xbox = { send: (message: unknown) => send(message, store) };
  const all = {
    store,
    xbox,
    log,
    globals,
    server: { startedAt: 1 },
    session: { locals: { unit: "km" } },
    signal: new AbortController().signal,
    onShutdown() {},
    onCleanup() {},
    requestId: "test",
    ...fakePagelets(),
    ...variables,
  };
  const work: Promise<unknown>[] = [];
  const composed = composeApp([app], app, "app", (error) => {
    throw error;
  });
  const response = await composed.fetch(
    new Request(new URL(path, "http://localhost"), { headers }),
    { ...all, phases: { waitUntil: (promise: Promise<unknown>) => work.push(promise) } } as never,
  );
  const text = await response.text();
  await Promise.all(work);
  return { status: response.status, headers: response.headers, text };
}

function fakeTask(url: string): PageletTask {
  const answer = request(pageletApp, url).then(({ status, headers, text }): PageletPart => {
    return { code: status, headers, body: text };
  });
  return {
    url,
    status: "running",
    error: undefined,
    ended: answer.then(() => {}),
    result: () => answer,
    text: async () => (await answer).body,
    async response() {
      const { code, headers, body } = await answer;
      return new Response(body, { status: code, headers });
    },
    cancel() {},
    async *[Symbol.asyncIterator]() {
      yield await answer;
    },
  };
}

function nameOf(key: StoreKey): string {
  return JSON.stringify(typeof key === "string" ? [key] : key);
}
