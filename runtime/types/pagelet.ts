/**
 * Pagelets as pages and other pagelets see them.
 *
 * @module
 */

/** What a pagelet's body may be given as. */
export type PageletBody =
  | string
  | Uint8Array
  | ArrayBuffer
  | ReadableStream<Uint8Array>
  | URLSearchParams
  | FormData;

/** How a pagelet is started. */
export interface PageletOptions {
  /** Request headers. Nothing is inherited from the page: no cookie, no user agent, no host. */
  headers?: HeadersInit;
  /** Request body; with one the method is POST unless `method` says otherwise, without one GET. */
  body?: PageletBody | null;
  /** Request method. */
  method?: string;
  /** Time from start to end in milliseconds, above 0; the pool's and the parent's limits hold as well. */
  timeoutMs?: number;
  /** Whether it is taken before or after others that wait; absent: as the pool's options say. */
  priority?: "low" | "normal" | "high";
  /** Cancels the pagelet when it aborts. */
  signal?: AbortSignal;
}

/**
 * Where a pagelet stands: `"flushed"` means that at least one part waits to be collected.
 */
export type PageletStatus =
  | "queued"
  | "running"
  | "flushed"
  | "done"
  | "failed"
  | "timed-out"
  | "cancelled";

/** What one call of {@linkcode PageletTask.result} collects. */
export interface PageletPart {
  /** 0: a flushed part, more may come. -1: the wait timed out. Otherwise the pagelet's HTTP status. */
  code: number;
  /** The response headers; empty unless `code` is an HTTP status. */
  headers: Headers;
  /** The part's text. A character that two chunks share stands whole in the later part. */
  body: string;
}

/** A started pagelet. It can be collected in parts, as a response, or whole; not in two ways at once. */
export interface PageletTask extends AsyncIterable<PageletPart> {
  /** The URL as it was given, for logs and fallbacks. */
  readonly url: string;
  /** Where the pagelet stands, without waiting (`pagelet_server_task_status`). */
  readonly status: PageletStatus;
  /** Why the pagelet failed, timed out or was cancelled, once it has. */
  readonly error: Error | undefined;
  /** Settles, without a value and never with an error, once the pagelet has ended in whatever way. */
  readonly ended: Promise<void>;
  /**
   * Collects the next part, or the end (`pagelet_server_task_result`).
   *
   * A pagelet that failed, timed out or was refused ends with code 500, 503 or 504 and an empty body;
   * the reason is in `error`. The end can be read again.
   *
   * @param options `timeoutMs`: how long to wait, in milliseconds; 0 or absent waits for the pagelet's own limits.
   */
  result(options?: { timeoutMs?: number }): Promise<PageletPart>;
  /** The pagelet's response, its body streamed; one of status 500, 503 or 504 when the pagelet failed. */
  response(): Promise<Response>;
  /** The whole body as text; rejects with {@linkcode PageletTask.error} when the pagelet failed. */
  text(): Promise<string>;
  /** Aborts the handler's `signal`; a worker that goes on regardless is replaced. */
  cancel(reason?: unknown): void;
}

/** Starts pagelets; pages and pagelets find it at `c.var.pagelets`. */
export interface Pagelets {
  /** Whether the site has a pagelet document (`pagelet_server_is_enabled`). */
  readonly enabled: boolean;
  /** How many pagelets this request has started (`pagelet_server_tasks_started`). */
  readonly started: number;
  /**
   * Starts a pagelet (`pagelet_server_task_start`).
   *
   * @throws {RuntimeError} `QUEUE_FULL`, `DISABLED` or `STOPPING` when it is refused. Inside a worker,
   * where the refusal is known only later, the task ends with code 503 and that error instead.
   * @throws {TypeError} If the URL or an option is wrong.
   */
  start(url: string, options?: PageletOptions): PageletTask;
  /**
   * Like {@linkcode Pagelets.start}, but `null` when it is refused, so that a page can render inline.
   * Inside a worker, which learns of a full queue only later, the task ends with code 503 instead.
   */
  tryStart(url: string, options?: PageletOptions): PageletTask | null;
  /** Yields the tasks as they end, the first to end first. */
  asCompleted(tasks: Iterable<PageletTask>): AsyncIterableIterator<PageletTask>;
}
