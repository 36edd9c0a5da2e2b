/**
 * What a supervisor and its boxes tell each other over the process tree.
 *
 * @module
 */

import type { BoxStatus } from "../box/box.ts";
import { type ErrorRecord, parseErrorRecord } from "../errors.ts";
import type { PostsStatus } from "../types/posts.ts";
import type { LogLevel } from "../types/log.ts";
import { isRecord } from "../thread/values.ts";
import type { SiblingBox } from "../xbox/siblings.ts";
import type { PostsAnswer, PostsQuestion } from "./posts.ts";

/** What a box is started with. */
export interface BoxBoot {
  /** The site's module. */
  site: string;
  /** Address to listen on. */
  hostname: string;
  /** Port to share with the other boxes; 0 takes a free one. */
  port: number;
  /** In place of the site's own store. */
  store: string | undefined;
  /** Whether it primes the store. */
  primes: boolean;
  /** Whether it runs what a machine has once. */
  leads: boolean;
  /** Longest time for a drain, in milliseconds. */
  graceMs: number;
  /** Least level of what is logged. */
  level: LogLevel;
}

/** From the supervisor to a box. */
export type Order =
  | { type: "drain"; graceMs: number }
  /** Run what a machine has once, or stop it. */
  | { type: "lead"; leads: boolean }
  /** The boxes that there are, the receiver included: whenever that changes. */
  | { type: "boxes"; boxes: SiblingBox[] }
  /** Look after durable messages. */
  | { type: "posts"; id: number; question: PostsQuestion }
  /** The engine is open, or why it is not. */
  | { type: "store-opened"; wire: number; failure?: ErrorRecord }
  | StoreMessage;

/** Bytes of the store's own protocol, and their flow, on one of a box's connections. */
export type StoreMessage =
  | { type: "store"; wire: number; bytes: Uint8Array<ArrayBuffer> }
  /** So many pieces have been read. */
  | { type: "store-read"; wire: number; count: number }
  | { type: "store-end"; wire: number };

/** What a box says of itself, regularly. */
export interface BoxReport {
  /** Figures of the box. */
  status: BoxStatus;
  /** Resident memory of its process, in bytes. */
  rssBytes: number;
  /** Bytes that the heap of its entry uses. */
  heapBytes: number;
  /** Figures of durable messages, which are the same for all boxes of one store. */
  posts?: PostsStatus;
}

/** From a box to the supervisor. */
export type News =
  | { type: "ready"; port: number; url: string; site: string }
  /** It cannot boot; its end follows. */
  | { type: "failed"; why: string }
  | { type: "report"; report: BoxReport }
  /** It now runs what a machine has once, or has stopped it. */
  | { type: "leads"; leads: boolean; why?: string }
  /** It wants to be replaced. */
  | { type: "retire"; why: string }
  /** What it was asked about durable messages. */
  | { type: "posts"; id: number; answer: PostsAnswer }
  | { type: "store-open"; wire: number; url: string | undefined }
  | StoreMessage;

const TYPES: ReadonlySet<unknown> = new Set(
  [
    ...["ready", "failed", "report", "leads", "retire", "posts"],
    ...["store-open", "store", "store-read", "store-end"],
  ],
);

/** Characters of a report, written as JSON. */
const MOST_REPORTED = 2 ** 20;

/** Reads what a box has sent; nothing if it is none of the above. A box runs the site's code, and is believed no more than that. */
export function readNews(payload: unknown): News | undefined {
  if (!isRecord(payload) || !TYPES.has(payload.type)) return undefined;
  const { type, port, url, site, why, report, leads, wire, bytes, count, id, answer } = payload;
  const fits = {
    ready: Number.isInteger(port) && typeof url === "string" && typeof site === "string",
    failed: typeof why === "string",
    report: type === "report" && isReport(report),
    leads: typeof leads === "boolean" && (why === undefined || typeof why === "string"),
    retire: typeof why === "string",
    posts: type === "posts" && Number.isInteger(id) && isAnswer(answer),
    "store-open": Number.isInteger(wire) && (url === undefined || typeof url === "string"),
    store: Number.isInteger(wire) && bytes instanceof Uint8Array,
    "store-read": Number.isInteger(wire) && Number.isInteger(count),
    "store-end": Number.isInteger(wire),
  };
  return fits[type as News["type"]] ? payload as News : undefined;
}

/** Whether figures are such that they can be compared, written and sent on. */
function isReport(report: unknown): boolean {
  if (!isRecord(report) || !isRecord(report.status) || !isRecord(report.status.pools)) return false;
  const { status, rssBytes, heapBytes } = report;
  const pools = Object.values(status.pools as Record<string, unknown>);
  const figures = [rssBytes, heapBytes, status.leaked, status.activeRequests, status.healthLevel];
  return figures.every(Number.isFinite) &&
    pools.every((pool) => isRecord(pool) && [pool.queued, pool.busy].every(Number.isFinite)) &&
    (report.posts === undefined || isPosts(report.posts)) &&
    isText(report);
}

/** Whether these are figures of durable messages. */
function isPosts(posts: unknown): boolean {
  if (!isRecord(posts)) return false;
  const { waiting, delayed, running, dead, oldestMs, countedAt } = posts;
  return [waiting, delayed, running, dead, oldestMs, countedAt].every(Number.isFinite);
}

/** Whether it is an answer that can be written as JSON, or an error. */
function isAnswer(answer: unknown): boolean {
  if (!isRecord(answer)) return false;
  if (Object.hasOwn(answer, "failure")) return parseErrorRecord(answer.failure) !== undefined;
  return Object.hasOwn(answer, "value") && isText(answer);
}

/** Whether something can be written as JSON, and is not too long. */
function isText(value: unknown): boolean {
  try {
    return JSON.stringify(value).length <= MOST_REPORTED;
  } catch {
    return false; // it holds itself, or a number without end
  }
}
