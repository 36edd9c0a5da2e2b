/**
 * The entry's side of pagelets: hands requests to the pool, for pages and for the workers that nest them.
 *
 * @module
 */

import { transfer } from "../deps/comlink.ts";
import { RuntimeError } from "../errors.ts";
import { TaskHandles } from "../pool/handles.ts";
import type { Pool } from "../pool/pool.ts";
import type { Priority } from "../pool/priority.ts";
import type { FindTask, PoolTask } from "../pool/task.ts";
import { guardStream } from "../thread/streams.ts";
import type { Services } from "../thread/thread.ts";
import type { PageletSource } from "./task.ts";
import {
  bodySize,
  type PageletAnswer,
  parseAnswer,
  parseRequest,
  type WireRequest,
} from "./wire.ts";

/** Bounds on what travels, in bytes. */
export interface PageletLimits {
  /** Largest request body. */
  maxBodyBytes: number;
  /** Largest response body. */
  maxResultBytes: number;
}

/** A request whose body may still be on its way. */
export type PendingRequest = Omit<WireRequest, "body"> & {
  body: WireRequest["body"] | Promise<Uint8Array>;
};

/** How a request is submitted. */
export interface Submission {
  /** Longest time to its end, in milliseconds. */
  timeoutMs?: number;
  /** In place of the pool's own. */
  priority?: Priority;
  /** The task that asks for it. */
  parent?: PoolTask<unknown>;
}

/** Runs requests in a pool of workers that hold a Hono app. */
export class PageletServer {
  readonly #pool: Pool;
  readonly #limits: PageletLimits;

  constructor(pool: Pool, limits: PageletLimits) {
    this.#pool = pool;
    this.#limits = limits;
  }

  /** Hands a request to the pool; throws when it is refused. */
  submit(
    request: PendingRequest,
    { timeoutMs, priority, parent }: Submission = {},
  ): PoolTask<PageletAnswer> {
    const { maxBodyBytes, maxResultBytes } = this.#limits;
    const { pathname } = new URL(request.url);
    let { body } = request;
    if (body instanceof ReadableStream) {
      body = request.body = guardStream(body, { maxBytes: maxBodyBytes });
    }
    if (!(body instanceof Promise) && bodySize(body) > maxBodyBytes) {
      throw new RangeError(
        `Cannot start pagelet "${pathname}": its body is above maxBodyBytes (${maxBodyBytes})`,
      );
    }
    return this.#pool.submit<PageletAnswer>({
      name: `pagelet "${pathname}"`,
      route: firstSegment(pathname),
      priority,
      isSafe: body === null && (request.method === "GET" || request.method === "HEAD"),
      transferables: body instanceof ReadableStream ? [body] : undefined,
      payload: () => body instanceof Promise ? withBody(request, body, maxBodyBytes) : request,
      timeoutMs,
      parent,
      accept: (value, task) => {
        const answer = parseAnswer(value);
        let drained: Promise<void> | undefined;
        if (answer.body instanceof ReadableStream) {
          const source = answer.body;
          drained = new Promise((resolve) => {
            answer.body = guardStream(source, {
              signal: task.signal,
              maxBytes: maxResultBytes,
              onEnd: () => resolve(),
            });
          });
        } else if ((answer.body?.byteLength ?? 0) > maxResultBytes) {
          throw new RuntimeError("RESULT_TOO_LARGE", `more than ${maxResultBytes} bytes of body`);
        }
        return { value: answer, drained };
      },
    });
  }

  /** The same, as a source for a task in the entry. */
  source(
    request: PendingRequest,
    options: Submission = {},
  ): PageletSource & { ended: Promise<void> } {
    const task = this.submit(request, options);
    return {
      state: () => task.state === "queued" ? "queued" : "running",
      answer: task.answer,
      cancel: (reason) => task.cancel(reason),
      wait: () => task.wait(),
      ended: task.ended,
    };
  }

  /**
   * What one worker may call to nest pagelets. `find` knows the tasks that run on that worker; without one of
   * them only a service thread may ask, which is what `rootless` says.
   */
  services(find: FindTask, { rootless = false } = {}): Services {
    const handles = new TaskHandles<PageletAnswer>({ doing: "start a pagelet", find, rootless });
    return {
      pageletStart: (parentId, value, terms) => {
        const request = parseRequest(value);
        if (request === undefined) throw new TypeError("Cannot start a pagelet: malformed request");
        return handles.start(parentId, terms, (asked) => this.submit(request, asked));
      },
      pageletAnswer: async (handle) => {
        const answer = await handles.answer(handle);
        return answer.body instanceof ReadableStream ? transfer(answer, [answer.body]) : answer;
      },
      pageletWait: (handle) => handles.wait(handle),
      pageletCancel: (handle, reason) => handles.cancel(handle, reason),
    };
  }
}

/** What requests have in common that ask for the same kind of thing: `/country` for `/country/fr`. */
function firstSegment(pathname: string): string {
  const end = pathname.indexOf("/", 1);
  return end < 0 ? pathname : pathname.slice(0, end);
}

async function withBody(
  request: PendingRequest,
  body: Promise<Uint8Array>,
  maxBodyBytes: number,
): Promise<WireRequest> {
  const bytes = await body;
  if (bytes.byteLength <= maxBodyBytes) return { ...request, body: bytes };
  throw new RangeError(
    `Cannot start a pagelet: its body of ${bytes.byteLength} bytes is above maxBodyBytes (${maxBodyBytes})`,
  );
}
