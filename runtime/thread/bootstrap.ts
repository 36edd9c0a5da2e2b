/**
 * The module that a worker starts from.
 *
 * It is a `data:` URL whose imports name everything that the worker needs. The graph of a worker loads with
 * the rights of the isolate that starts it, literal `import()`s included, so that documents load under
 * permissions `"none"`, where one of a computed name would need permission to read. They are evaluated
 * when the worker has been told what it is.
 *
 * @module
 */

import type {} from "./entry/main.ts";

/** The modules that run inside one kind of worker, by absolute URL. */
export interface ThreadModules {
  /** The module that knows what this kind of worker does. */
  kind: string;
  /** What the worker may use of the box, by the name under which it is found. */
  clients: Readonly<Record<string, string>>;
  /** The site's documents, by role. */
  documents: Readonly<Record<string, string>>;
}

/**
 * Builds the `data:` URL that starts a worker with these modules.
 *
 * @param first Lines of source that come before all others, for an isolate that is not a Worker.
 */
export function bootstrapUrl(modules: ThreadModules, first: readonly string[] = []): string {
  const entry = new URL("./entry/main.ts", import.meta.url).href;
  const lines = [
    ...first,
    `import { serveThread } from ${JSON.stringify(entry)};`,
    `import * as kind from ${JSON.stringify(modules.kind)};`,
  ];
  const clients = importAll(lines, "client", modules.clients);
  const documents = Object.entries(modules.documents).map(([role, url]) =>
    `${JSON.stringify(role)}: [${JSON.stringify(url)}, () => import(${JSON.stringify(url)})]`
  );
  lines.push(`serveThread({ kind, clients: ${clients}, documents: { ${documents.join(", ")} } });`);
  return `data:text/javascript,${encodeURIComponent(lines.join("\n"))}`;
}

/** Every module of a thread, by absolute URL. */
export function modulesOf({ kind, clients, documents }: ThreadModules): string[] {
  const entry = new URL("./entry/main.ts", import.meta.url).href;
  return [entry, kind, ...Object.values(clients), ...Object.values(documents)];
}

function importAll(
  lines: string[],
  prefix: string,
  modules: Readonly<Record<string, string>>,
): string {
  const fields = Object.entries(modules).map(([name, url], index) => {
    lines.push(`import * as ${prefix}${index} from ${JSON.stringify(url)};`);
    return `${JSON.stringify(name)}: ${prefix}${index}`;
  });
  return `{ ${fields.join(", ")} }`;
}
