import { openEngine } from "../../../../runtime/store/open.ts";
import { lacksRedis, startRedis } from "../../../support/redis.ts";
import { tempDir } from "../../../support/temp_dir.ts";
import { durableSuite } from "./suite.ts";

durableSuite("memory", async () => {
  const engine = await openEngine(":memory:");
  return {
    engine,
    second: () => Promise.resolve(engine),
    [Symbol.asyncDispose]: async () => await engine.close(),
  };
});

durableSuite("a file with two handles", async () => {
  const folder = await tempDir();
  const path = `${folder.path}/posts.kv`;
  const engines = [await openEngine(path)];
  return {
    engine: engines[0]!,
    second: async () => {
      engines.push(await openEngine(path));
      return engines.at(-1)!;
    },
    [Symbol.asyncDispose]: async () => {
      for (const engine of engines) await engine.close();
      await folder[Symbol.asyncDispose]();
    },
  };
});

durableSuite("Redis", async () => {
  const server = await startRedis();
  const engines = [await openEngine(server.url())];
  return {
    engine: engines[0]!,
    second: async () => {
      engines.push(await openEngine(server.url()));
      return engines.at(-1)!;
    },
    [Symbol.asyncDispose]: async () => {
      for (const engine of engines) await engine.close();
      await server[Symbol.asyncDispose]();
    },
  };
}, { ignore: lacksRedis() });
