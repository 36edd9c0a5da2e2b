import type { SiteOptions } from "../../../mod.ts";

/** The options, for a store at `url`. */
export function createOptions(url: string, fails = false): SiteOptions {
  return {
    name: "lifecycle",
    store: { url },
    startup: new URL(fails ? "./startup_fails_once.ts" : "./startup.ts", import.meta.url),
    threads: [new URL("./thread.ts", import.meta.url)],
  };
}
