import type { SiteOptions } from "../../../mod.ts";

/** Reads the options of a site of one document from the query of a URL. */
export function optionsFrom({ searchParams }: URL): SiteOptions {
  const kind = searchParams.get("kind");
  const document = new URL(searchParams.get("document") ?? "./good.ts", import.meta.url);
  const permissions: Deno.PermissionOptions = searchParams.has("net") ? { net: true } : "none";
  const store = { url: ":memory:" };
  if (kind === "startup") return { store, startup: document };
  if (kind === "threads") return { store, threads: [{ document, permissions }] };
  if (kind === "threadLoops") return { store, threadLoops: [document] };
  if (kind === "requestInit") {
    const requestInit = { document, function: "initRequest" };
    return { store, requestInit, xbox: new URL("./good.ts", import.meta.url) };
  }
  if (kind === "pages" || kind === "pagelets" || kind === "xbox") {
    return { store, [kind]: { document, permissions, workers: 1 } };
  }
  return { store };
}
