/**
 * What handlers and threads find as `xbox`, over whatever carries messages for them.
 *
 * @module
 */

import { messageOf, RuntimeError } from "../errors.ts";
import { checkPriority } from "../pool/priority.ts";
import type { Log } from "../types/log.ts";
import type { Xbox, XboxOptions, XboxTask } from "../types/xbox.ts";
import { SourceXboxTask, type XboxSource } from "./task.ts";

/** What {@linkcode createXbox} needs to know. */
export interface XboxRoom {
  /** Whether there is a pool to handle messages. */
  enabled: boolean;
  /**
   * Hands a message, a private copy, to the pool; throws when it is refused. A posted one does not end
   * with who sent it.
   */
  submit(
    message: unknown,
    options: XboxOptions,
    posted: boolean,
  ): XboxSource & { accepted: Promise<unknown> };
  /** Cancels what was started, posts excepted, when it aborts. */
  signal: AbortSignal | undefined;
  /** Where the failure of a posted message is written. */
  log: Log;
  /** Lets the worker be replaced before its next message; absent anywhere but in the xbox document. */
  scheduleReset?(): void;
}

const LOCAL_NAMES: ReadonlySet<string> = new Set(["", "localhost", "127.0.0.1"]);

/** Makes the `xbox` object of one request or thread. */
export function createXbox(room: XboxRoom): Xbox {
  const submit = (message: unknown, options: XboxOptions, posted: boolean) => {
    checkOptions(options);
    if (!room.enabled) {
      throw new RuntimeError(
        "DISABLED",
        'Cannot send a message: the site has no xbox document (option "xbox")',
      );
    }
    options.signal?.throwIfAborted();
    const source = room.submit(structuredClone(message), options, posted);
    cancelWith(source, options.signal);
    return source;
  };
  const start = <T>(message: unknown, options: XboxOptions = {}): XboxTask<T> => {
    const source = submit(message, options, false);
    cancelWith(source, room.signal);
    return new SourceXboxTask<T>(source);
  };
  const send = async <T>(message: unknown, options?: XboxOptions): Promise<T> => {
    const { code, value, error } = await start<T>(message, options).result();
    if (code !== 200) throw error;
    return value as T;
  };
  return {
    enabled: room.enabled,
    start,
    send: <T>(message: unknown, options?: XboxOptions) => {
      const sent = send<T>(message, options);
      sent.catch(callerHearsIt);
      return sent;
    },
    post: async (message, options = {}) => {
      const source = submit(message, options, true);
      source.answer.catch((error) => {
        room.log.error("A posted message failed", { why: messageOf(error) });
      });
      await source.accepted;
    },
    scheduleReset: () => {
      if (room.scheduleReset !== undefined) return room.scheduleReset();
      throw new TypeError("Cannot schedule a reset: this is no xbox worker");
    },
  };
}

/** A send may fail while its page waits for another, which must not end the isolate. */
function callerHearsIt(): void {}

function checkOptions({ to, timeoutMs, priority }: XboxOptions): void {
  checkPriority("send a message", priority);
  if (timeoutMs !== undefined && (typeof timeoutMs !== "number" || !(timeoutMs > 0))) {
    throw new RangeError(
      `Cannot send a message: timeoutMs must be above 0, and ${timeoutMs} was given`,
    );
  }
  if (to !== undefined && !LOCAL_NAMES.has(to)) {
    throw new RuntimeError(
      "UNREACHABLE_PEER",
      `Cannot send a message to ${JSON.stringify(to)}: this version reaches only its own box, ` +
        'under the names "", "localhost" and "127.0.0.1"',
    );
  }
}

function cancelWith(source: XboxSource, signal: AbortSignal | undefined): void {
  if (signal === undefined) return;
  const cancel = () => source.cancel(signal.reason);
  if (signal.aborted) return cancel();
  signal.addEventListener("abort", cancel, { once: true });
  const release = () => signal.removeEventListener("abort", cancel);
  source.answer.then(release, release);
}
