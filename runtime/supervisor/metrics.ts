/**
 * Figures of a machine in the text format that scrapers of metrics read.
 *
 * @module
 */

import type { PostsStatus } from "../types/posts.ts";
import type { MachineStatus } from "./supervisor.ts";

type Sample = [labels: Record<string, string | number>, value: number];

/** Writes the figures, one line each. */
export function metricsOf(
  { boxes, wanted, serving, restarts, replacements }: MachineStatus,
): string {
  const perBox = (read: (box: MachineStatus["boxes"][number]) => number | undefined): Sample[] =>
    boxes.flatMap((box) => {
      const value = read(box);
      return value === undefined ? [] : [[{ slot: box.slot, pid: box.pid }, value] as Sample];
    });
  const pools = boxes.flatMap(({ slot, pid, report }) =>
    Object.entries(report?.status.pools ?? {}).map(([pool, status]) => ({
      slot,
      pid,
      pool,
      status,
    }))
  );
  const perPool = (read: (status: (typeof pools)[number]["status"]) => number): Sample[] =>
    pools.map(({ status, ...labels }) => [labels, read(status)]);
  const [posts] = boxes.flatMap(({ report }) => report?.posts ?? [])
    .toSorted((a, b) => b.countedAt - a.countedAt);
  return [
    metric("boxes_wanted", "gauge", "Boxes that there should be", [[{}, wanted]]),
    metric("boxes_serving", "gauge", "Boxes that serve", [[{}, serving]]),
    metric("box_restarts_total", "counter", "Boxes started after one was lost", [[{}, restarts]]),
    metric("box_replacements_total", "counter", "Boxes replaced while they served", [
      [{}, replacements],
    ]),
    metric("box_rss_bytes", "gauge", "Resident memory", perBox(({ report }) => report?.rssBytes)),
    metric(
      "box_heap_bytes",
      "gauge",
      "Heap of the entry",
      perBox(({ report }) => report?.heapBytes),
    ),
    metric(
      "box_active_requests",
      "gauge",
      "Requests that are not over",
      perBox(({ report }) => report?.status.activeRequests),
    ),
    metric(
      "box_leaked_workers",
      "gauge",
      "Stuck workers",
      perBox(({ report }) => report?.status.leaked),
    ),
    metric(
      "box_health",
      "gauge",
      "100 while all is well, 0 at worst",
      perBox(({ report }) => report?.status.healthLevel),
    ),
    metric("pool_queued", "gauge", "Tasks that wait", perPool(({ queued }) => queued)),
    metric("pool_busy", "gauge", "Workers that have a task", perPool(({ busy }) => busy)),
    ...posts === undefined ? [] : postsMetrics(posts),
  ].join("");
}

/** Each box counts all messages of the store: the latest count is told. */
function postsMetrics({ waiting, delayed, running, dead, oldestMs }: PostsStatus): string[] {
  const states = Object.entries({ waiting, delayed, running, dead });
  return [
    metric(
      "posts",
      "gauge",
      "Durable messages",
      states.map(([state, count]) => [{ state }, count]),
    ),
    metric("posts_oldest_seconds", "gauge", "Age of the oldest that is due", [
      [{}, oldestMs / 1000],
    ]),
  ];
}

function metric(name: string, type: string, help: string, samples: readonly Sample[]): string {
  const lines = samples.map(([labels, value]) => {
    const pairs = Object.entries(labels).map(([key, of]) => `${key}=${JSON.stringify(String(of))}`);
    return `tandem_${name}${pairs.length === 0 ? "" : `{${pairs.join(",")}}`} ${value}\n`;
  });
  return `# HELP tandem_${name} ${help}\n# TYPE tandem_${name} ${type}\n${lines.join("")}`;
}
