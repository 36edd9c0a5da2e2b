import assert from "node:assert/strict";
import { runDeno } from "./support/program.ts";

/** Which module imports which, as paths in the repository; packages and built-ins by their specifier. */
interface Edge {
  from: string;
  to: string;
  kind: "code" | "type";
  /** Loaded only when the code asks for it. */
  dynamic: boolean;
}

/** Floors of the house. A folder may import those below it, and of its own floor only itself. */
const RANKS: Readonly<Record<string, number>> = {
  "runtime/deps": 0,
  "runtime/errors": 0,
  "runtime/options": 0,
  "runtime/types": 0,
  "runtime/log": 0,
  "runtime/checks": 0,
  "runtime/own_timers": 0,
  "runtime/store": 1,
  "runtime/resources": 1,
  "runtime/thread": 1,
  "runtime/process": 2,
  "runtime/peer": 2,
  "runtime/pool": 3,
  "runtime/router": 3,
  "runtime/document": 4,
  "runtime/pagelet": 4,
  "runtime/xbox": 4,
  "runtime/rpc": 4,
  "runtime/http": 5,
  "runtime/box": 6,
  "runtime/site": 7,
  "runtime/supervisor": 7,
  "runtime/cli": 8,
  "mod": 9,
};

/** Modules that run inside each kind of worker, as `runtime/box/workers.ts` puts them together. */
const CLIENTS = [
  "runtime/thread/entry/main.ts",
  "runtime/store/client.ts",
  "runtime/resources/client.ts",
  "runtime/pagelet/client.ts",
  "runtime/xbox/client.ts",
];
const WORKERS: Readonly<Record<string, { modules: string[]; packages: string[] }>> = {
  document: { modules: [...CLIENTS, "runtime/document/worker.ts"], packages: ["comlink"] },
  pagelet: { modules: [...CLIENTS, "runtime/pagelet/worker.ts"], packages: ["comlink"] },
  xbox: { modules: [...CLIENTS, "runtime/xbox/worker.ts"], packages: ["comlink"] },
  rpc: { modules: [...CLIENTS, "runtime/rpc/worker.ts"], packages: ["comlink"] },
};

const FACTORY = "runtime/box/workers.ts";

/** Modules whose `import type {}` names what workers load, only so that `deno cache` sees it. */
const NAMES_FOR_THE_CACHE = [FACTORY, "runtime/thread/bootstrap.ts"];

const ROOT = new URL("../", import.meta.url).href;

interface Graph {
  modules: {
    specifier: string;
    error?: string;
    dependencies?: {
      code?: { specifier: string };
      type?: { specifier: string };
      isDynamic?: boolean;
    }[];
  }[];
}

const graphs = new Map<string, Promise<Edge[]>>();

/** Reads the graph below a module of the repository. */
function graphOf(root: string): Promise<Edge[]> {
  let graph = graphs.get(root);
  if (graph === undefined) graphs.set(root, graph = readGraph(root));
  return graph;
}

async function readGraph(root: string): Promise<Edge[]> {
  const { code, stdout, stderr } = await runDeno(["info", "--json", root]);
  assert.equal(code, 0, stderr);
  const edges: Edge[] = [];
  for (const { specifier, error, dependencies = [] } of (JSON.parse(stdout) as Graph).modules) {
    assert.equal(error, undefined);
    for (const dependency of dependencies) {
      for (const kind of ["code", "type"] as const) {
        const to = dependency[kind]?.specifier;
        if (to !== undefined) {
          const dynamic = dependency.isDynamic === true;
          edges.push({ from: pathOf(specifier), to: pathOf(to), kind, dynamic });
        }
      }
    }
  }
  return edges;
}

function pathOf(specifier: string): string {
  return specifier.startsWith(ROOT) ? specifier.slice(ROOT.length) : specifier;
}

function isOurs(path: string): boolean {
  return !/^(npm|node):/.test(path);
}

/** `runtime/pool/task.ts` is in `runtime/pool`; `runtime/log.ts` and `mod.ts` stand alone. */
function roomOf(path: string): string {
  return path.split("/").slice(0, 2).join("/").replace(/\.ts$/, "");
}

function rankOf(path: string): number {
  const rank = RANKS[roomOf(path)];
  assert.notEqual(rank, undefined, `${path} has no rank`);
  return rank!;
}

async function wholeGraph(): Promise<Edge[]> {
  const roots = ["mod.ts", ...Object.values(WORKERS).flatMap(({ modules }) => modules)];
  const graphs = await Promise.all([...new Set(roots)].map(graphOf));
  const edges = new Map(graphs.flat().map((edge) => [JSON.stringify(edge), edge]));
  return [...edges.values()];
}

function show({ from, to, kind }: Edge): string {
  return `${from} imports ${kind === "type" ? "types of " : ""}${to}`;
}

Deno.test("imports run down, and folders of one floor do not know each other", async () => {
  const wrong = (await wholeGraph())
    .filter(({ from, to }) => isOurs(to) && roomOf(from) !== roomOf(to))
    .filter(({ from, to }) => rankOf(from) === 0 ? rankOf(to) > 0 : rankOf(to) >= rankOf(from));
  assert.deepEqual(wrong.map(show), []);
});

Deno.test("every module of the runtime is in the graph of mod.ts or of a worker", async () => {
  const known = new Set((await wholeGraph()).flatMap(({ from, to }) => [from, to]));
  const files: string[] = [];
  const folders = ["runtime"];
  for (const folder of folders) {
    for await (const { name, isDirectory } of Deno.readDir(new URL(`${folder}/`, ROOT))) {
      (isDirectory ? folders : files).push(`${folder}/${name}`);
    }
  }
  assert.deepEqual(files.filter((file) => file.endsWith(".ts") && !known.has(file)), []);
});

Deno.test("no module imports itself by a way round", async () => {
  const edges = (await wholeGraph()).filter(({ from, kind }) =>
    kind === "code" ||
    !NAMES_FOR_THE_CACHE.includes(from)
  );
  const targets = Map.groupBy(edges.filter(({ to }) => isOurs(to)), ({ from }) => from);
  const done = new Set<string>();
  function visit(path: string, way: string[]): void {
    const seen = way.indexOf(path);
    assert.equal(seen, -1, `A cycle: ${[...way.slice(seen), path].join(" → ")}`);
    if (done.has(path)) return;
    for (const { to } of targets.get(path) ?? []) visit(to, [...way, path]);
    done.add(path);
  }
  for (const path of targets.keys()) visit(path, []);
});

Deno.test("packages are named in runtime/deps, each in a file of its own", async () => {
  const named = (await wholeGraph()).filter(({ to }) => to.startsWith("npm:"));
  const inDeps = named.filter(({ from }) => /^runtime\/deps\/\w+\.ts$/.test(from));
  assert.deepEqual(named.filter((edge) => !inDeps.includes(edge)).map(show), []);
  const files = Map.groupBy(inDeps, ({ from }) => from);
  for (const [file, edges] of files) {
    assert.equal(new Set(edges.map(({ to }) => to)).size, 1, `${file} names several packages`);
  }
  assert.deepEqual([...files.keys()].sort(), [
    "runtime/deps/comlink.ts",
    "runtime/deps/hono.ts",
    "runtime/deps/parse5.ts",
    "runtime/deps/redis.ts",
  ]);
});

Deno.test("nothing reaches for a module that is neither ours, nor a package, nor built in", async () => {
  const strange = (await wholeGraph()).filter(({ to }) =>
    !/^(npm:|node:|runtime\/[\w/]+\.ts$)/.test(to)
  );
  assert.deepEqual(strange.map(show), []);
});

for (const [kind, { modules, packages }] of Object.entries(WORKERS)) {
  Deno.test(`a ${kind} worker loads no more than it may`, async () => {
    const edges = (await Promise.all(modules.map(graphOf))).flat();
    const loaded = new Set(modules);
    for (const path of loaded) {
      for (const { from, to, kind, dynamic } of edges) {
        if (from === path && kind === "code" && !dynamic) loaded.add(to);
      }
    }
    const found = [...loaded].filter((path) => path.startsWith("npm:")).map((specifier) =>
      /^npm:\/?(@[^/]+\/[^@/]+|[^@/]+)/.exec(specifier)![1]
    );
    assert.deepEqual(found.sort(), packages);
    const rooms = new Set([...loaded].filter(isOurs).map(roomOf));
    for (const room of ["runtime/box", "runtime/http", "runtime/site", "runtime/cli", "mod"]) {
      assert.ok(!rooms.has(room), `A ${kind} worker loads ${room}`);
    }
    // The store's engine stays outside: a worker reaches it by calls.
    assert.ok(!loaded.has("runtime/store/room.ts") && !loaded.has("runtime/store/mod.ts"));
  });
}

Deno.test("the modules of workers are those that the box puts together", async () => {
  const source = await Deno.readTextFile(new URL(FACTORY, ROOT));
  const named = [...source.matchAll(/new URL\("\.\.\/([\w/]+\.ts)"/g)].map(([, path]) =>
    `runtime/${path}`
  );
  const cached = (await graphOf("mod.ts")).map(({ to }) => to);
  const expected = new Set(Object.values(WORKERS).flatMap(({ modules }) => modules));
  assert.deepEqual([...named, "runtime/thread/entry/main.ts"].sort(), [...expected].sort());
  for (const path of expected) assert.ok(cached.includes(path), `deno cache does not see ${path}`);
});

Deno.test("handlers use of Tandem only mod.ts, and name packages only in deps", async () => {
  const edges: Edge[] = [];
  const folders = ["handlers"];
  for (const folder of folders) {
    for await (const { name, isDirectory } of Deno.readDir(new URL(`${folder}/`, ROOT))) {
      if (isDirectory) folders.push(`${folder}/${name}`);
      else if (name.endsWith(".ts") && !name.endsWith(".d.ts")) {
        edges.push(...(await graphOf(`${folder}/${name}`)));
      }
    }
  }
  const wrong = edges.filter(({ from, to }) => {
    if (!from.startsWith("handlers/")) return false;
    if (to.startsWith("npm:")) return !/^handlers\/deps(\.ts|\/)/.test(from);
    return isOurs(to) && !to.startsWith("handlers/") && to !== "mod.ts";
  });
  assert.deepEqual([...new Set(wrong.map(show))], []);
  assert.ok(edges.some(({ from, to }) => from === "handlers/site.ts" && to === "mod.ts"));
  const back = (await wholeGraph()).filter(({ to }) => to.startsWith("handlers/"));
  assert.deepEqual(back.map(show), []);
});
