/**
 * The entry's side of pagelets: hands requests to the pool, for pages and for the workers that nest them.
 *
 * @module
 */

import { transfer } from "../deps/comlink.ts";
import { RuntimeError } from "../errors.ts";
import type { Pool } from "../pool/pool.ts";
import type { FindTask, PoolTask } from "../pool/task.ts";
import { guardStream } from "../thread/streams.ts";
import type { Services } from "../thread/thread.ts";
import { findForbidden } from "../thread/values.ts";
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

/** Pagelets that one worker may have started and not collected. */
const MAX_HANDLES = 256;

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
    { timeoutMs, parent }: { timeoutMs?: number; parent?: PoolTask<unknown> } = {},
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
      transferables: body instanceof ReadableStream ? [body] : undefined,
      payload: () => body instanceof Promise ? withBody(request, body, maxBodyBytes) : request,
      timeoutMs,
      parent,
      accept: (value, task) => {
        const { open, ...answer } = parseAnswer(value);
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
        return { value: answer, open, drained };
      },
    });
  }

  /** The same, as a source for a task in the entry. */
  source(
    request: PendingRequest,
    options: { timeoutMs?: number; parent?: PoolTask<unknown> } = {},
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
    const handles = new Map<number, PoolTask<PageletAnswer>>();
    let nextHandle = 1;
    return {
      pageletStart: (parentId, value, timeoutMs) => {
        const request = parseRequest(value);
        if (request === undefined) throw new TypeError("Cannot start a pagelet: malformed request");
        const parent = find(parentId);
        if (parent === undefined && !(rootless && parentId === null)) {
          throw new RuntimeError(
            "STOPPING",
            "Cannot start a pagelet: the request that asks has ended",
          );
        }
        if (handles.size >= MAX_HANDLES) {
          throw new RuntimeError(
            "QUEUE_FULL",
            `Cannot start a pagelet: the worker has ${MAX_HANDLES} that it did not collect`,
          );
        }
        const limit = typeof timeoutMs === "number" && timeoutMs > 0 ? timeoutMs : undefined;
        const task = this.submit(request, { timeoutMs: limit, parent });
        const handle = nextHandle++;
        handles.set(handle, task);
        return handle;
      },
      pageletAnswer: async (handle) => {
        const task = handles.get(handle as number);
        if (task === undefined) throw new RangeError("Cannot collect a pagelet: it is not known");
        // Not sooner: a quick task ends before the worker has heard of its handle.
        task.ended.then(() => handles.delete(handle as number));
        const answer = await task.answer;
        return answer.body instanceof ReadableStream ? transfer(answer, [answer.body]) : answer;
      },
      pageletWait: (handle) => handles.get(handle as number)?.wait(),
      pageletCancel: (handle, reason) => {
        const known = findForbidden(reason) === undefined && typeof reason === "string";
        handles.get(handle as number)?.cancel(known ? reason.slice(0, 1024) : undefined);
      },
    };
  }
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
