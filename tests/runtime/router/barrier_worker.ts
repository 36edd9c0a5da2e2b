import { Barrier } from "../../../runtime/router/barrier.ts";

const scope = globalThis as unknown as Worker;
scope.onmessage = async ({ data: { buffer, rounds, counter } }) => {
  const barrier = new Barrier(buffer);
  const arrived = new Int32Array(counter);
  try {
    for (let round = 1; round <= rounds; round++) {
      Atomics.add(arrived, 0, 1);
      await barrier.await();
      // All have come, and nobody can have come for the next round but one.
      const count = Atomics.load(arrived, 0);
      const { parties } = barrier;
      if (count < round * parties || count > (round + 1) * parties) throw new Error(`${count}`);
      await barrier.await();
    }
    scope.postMessage("done");
  } catch (error) {
    scope.postMessage((error as Error).name);
  }
};
