import { tree } from "../../../mod.ts";

/** What a child is to do at the barrier. */
export interface Meeting {
  name: string;
  parties: number;
  rounds: number;
  timeoutSec: number;
  /** How many children it forks that do the same. */
  below: number;
}

/** A node that goes through a barrier so many times, and tells everybody before and behind it. */
export default async function (executor: tree.Executor, meeting: Meeting) {
  const { name, parties, rounds, timeoutSec, below } = meeting;
  for (let child = 0; child < below; child++) {
    executor.fork(undefined, {
      module: import.meta.url,
      permissions: "inherit",
      data: { ...meeting, below: 0 },
    });
  }
  const barrier = new tree.Barrier(parties, { executor, name });
  for (let round = 0; round < rounds; round++) {
    executor.submit(["before", round], "root");
    try {
      await barrier.await(timeoutSec);
      executor.submit(["behind", round], "root");
    } catch (error) {
      executor.submit([(error as Error).name, round], "root");
      return;
    }
  }
}
