/**
 * A site whose pagelets, and whose thread if one is named, are hostile.
 *
 * @module
 */

import { createSite, type Log, type Site } from "../../../mod.ts";

/** Makes the site; `pagelets`, `thread` and `init` are queries of the documents, see there. */
export function hostileSite({ pagelets = "", thread, init, workers = 1, ...limits }: {
  pagelets?: string;
  thread?: string;
  init?: string;
  workers?: number;
  deadlineMs?: number;
  session?: "request" | "fresh";
} = {}): Site {
  const at = (path: string) => new URL(path, import.meta.url);
  const site = createSite({
    name: "hostile",
    store: { url: ":memory:" },
    threads: thread === undefined ? [] : [at(`./thread.ts${thread}`)],
    requestInit: init === undefined
      ? undefined
      : { document: at(`./init.ts${init}`), function: "begin" },
    pagelets: {
      document: at(`./pagelets.ts${pagelets}`),
      workers,
      maxResultBytes: 1_000_000,
      deadlineMs: 20_000,
      ...limits,
    },
    xbox: { document: at("./xbox.ts"), workers: 1 },
  });
  site.app.get("/echo", async (c) => c.json(await c.var.xbox.send({ echo: 1 })));
  site.app.get("/pagelet/*", async (c) => {
    const task = c.var.pagelets.start(c.req.url.slice(c.req.url.indexOf("/pagelet") + 8), {
      timeoutMs: Number(c.req.query("ms") ?? 20_000),
    });
    const body = await task.text().catch(() => null);
    const { code } = await task.result();
    const error = task.error as Error & { code?: string } | undefined;
    return c.json({ code, body, error: error?.code ?? error?.name ?? null });
  });
  return site;
}

/** A log that can be waited for. */
export class Lines {
  readonly #lines: string[] = [];
  readonly #waiting = new Set<() => void>();
  /** Takes the lines. */
  readonly log: Log;

  constructor() {
    const at = (level: string) => (message: string, fields?: Record<string, unknown>) => {
      this.#lines.push(`${level} ${message} ${JSON.stringify(fields ?? {})}`);
      for (const look of [...this.#waiting]) look();
    };
    this.log = { debug: at("debug"), info: at("info"), warn: at("warn"), error: at("error") };
  }

  /** Resolves with the first line that matches, and forgets the lines up to it. */
  async until(pattern: RegExp): Promise<string> {
    return await new Promise((resolve) => {
      const look = () => {
        const index = this.#lines.findIndex((line) => pattern.test(line));
        if (index < 0) return;
        this.#waiting.delete(look);
        resolve(this.#lines.splice(0, index + 1).at(-1)!);
      };
      this.#waiting.add(look);
      look();
    });
  }
}
