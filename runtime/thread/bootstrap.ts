/**
 * The module that a worker starts from.
 *
 * It is a `data:` URL whose static imports name everything that the worker needs. A static graph loads
 * with the rights of the isolate that starts the worker, so that documents load under permissions
 * `"none"`, where an `import()` inside the worker would need permission to read.
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

/** Builds the `data:` URL that starts a worker with these modules. */
export function bootstrapUrl(modules: ThreadModules): string {
  const entry = new URL("./entry/main.ts", import.meta.url).href;
  const lines = [
    `import { serveThread } from ${JSON.stringify(entry)};`,
    `import * as kind from ${JSON.stringify(modules.kind)};`,
  ];
  const clients = importAll(lines, "client", modules.clients);
  const documents = importAll(lines, "document", modules.documents);
  lines.push(`serveThread({ kind, clients: ${clients}, documents: ${documents} });`);
  return `data:text/javascript,${encodeURIComponent(lines.join("\n"))}`;
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
