import { KvEngine } from "../../../runtime/store/kv_engine.ts";
import { tempDir } from "../../support/temp_dir.ts";
import { engineSuite } from "./engine_suite.ts";

engineSuite("KvEngine in memory", async () => {
  const engine = new KvEngine(await Deno.openKv(":memory:"), "memory");
  return { engine, [Symbol.asyncDispose]: () => close([engine]) };
}, { together: false });

engineSuite("KvEngine in a file", async () => {
  const folder = await tempDir();
  const engines: KvEngine[] = [];
  const reopen = async () => {
    const engine = new KvEngine(await Deno.openKv(`${folder.path}/store.db`), "file");
    engines.push(engine);
    return engine;
  };
  return {
    engine: await reopen(),
    reopen,
    async [Symbol.asyncDispose]() {
      await close(engines);
      await folder[Symbol.asyncDispose]();
    },
  };
});

function close(engines: readonly KvEngine[]): Promise<void> {
  for (const engine of engines) {
    try {
      engine.close();
    } catch (error) {
      if (!(error instanceof Deno.errors.BadResource)) throw error; // the test has closed it
    }
  }
  return Promise.resolve();
}
