/**
 * The messages and streams between a process and its child, the same on both sides.
 *
 * What comes is checked: the other side may be an untrusted child. Streams are known by numbers that their sender
 * gives, one after another; no more chunks may be on the way than were asked for.
 *
 * Workers in processes load this file.
 *
 * @module
 */

import { fromErrorRecord, parseErrorRecord } from "../errors.ts";
import { dataCloneError, encodeValue } from "./ipc_codec.ts";
import {
  findPath,
  FRAME,
  MAX_CHUNK,
  MAX_STREAMS,
  placeAt,
  replaceAt,
  type StreamPlace,
  WINDOW,
} from "./stream_frames.ts";
import { StreamSink } from "./stream_sink.ts";
import { StreamSource } from "./stream_source.ts";

/** What {@linkcode StreamLanes} stand on. */
export interface LanesOptions {
  /** Sends bytes to the other side; does nothing when that has gone. */
  send(bytes: Uint8Array): void;
  /** Takes a message whose streams are in their places. */
  onMessage(message: unknown): void;
}

/** Sends and takes messages that hold streams. */
export class StreamLanes {
  readonly #options: LanesOptions;
  readonly #sources = new Map<number, StreamSource>();
  readonly #sinks = new Map<number, StreamSink>();
  #nextSource = 1;
  #nextSink = 1;
  #isClosed = false;

  constructor(options: LanesOptions) {
    this.#options = options;
  }

  /**
   * Sends a message.
   *
   * @param transfer Streams that stand in it, and buffers, which are copied.
   * @throws {DOMException} `DataCloneError`, naming what cannot be sent; then nothing was, and no stream is locked.
   */
  post(message: unknown, transfer: readonly unknown[]): void {
    if (this.#isClosed) return;
    const streams = transfer.filter((item) => !(item instanceof ArrayBuffer)).map(checkMovable);
    if (streams.length === 0) return this.#options.send(encodeValue([FRAME.message, message]));
    if (this.#sources.size + streams.length > MAX_STREAMS) {
      throw dataCloneError(
        `Cannot send a stream to another process: ${MAX_STREAMS} are open already`,
      );
    }
    const places: StreamPlace[] = [];
    let packed = message;
    for (const [index, stream] of streams.entries()) {
      const path = findPath(packed, stream);
      if (path === undefined || path.length === 0) {
        throw dataCloneError("Cannot send a stream to another process: it is not in the message");
      }
      packed = replaceAt(packed, path, null);
      places.push([path, this.#nextSource + index]);
    }
    const bytes = encodeValue([FRAME.message, packed, places]);
    for (const stream of streams) this.#open(stream);
    this.#options.send(bytes);
  }

  /** Takes a frame; says what is wrong with it, if something is. */
  take(frame: readonly unknown[]): string | undefined {
    if (this.#isClosed) return undefined;
    const [kind, first, second] = frame;
    if (kind === FRAME.message) return this.#takeMessage(first, second);
    const id = first as number;
    if (kind === FRAME.pull || kind === FRAME.cancel) {
      if (!Number.isInteger(id) || id < 1 || id >= this.#nextSource) return "named no stream";
      // It may have ended while this was on its way.
      const source = this.#sources.get(id);
      if (kind === FRAME.cancel) {
        source?.cancel(errorOf(second));
        return undefined;
      }
      const isCount = Number.isInteger(second) && (second as number) > 0 &&
        (second as number) <= WINDOW;
      return isCount && (source?.pull(second as number) ?? true)
        ? undefined
        : "asked for too many chunks";
    }
    const sink = this.#sinks.get(id);
    if (sink === undefined) return "sent something for a stream that is not open";
    if (kind === FRAME.chunk) {
      const isChunk = second instanceof Uint8Array && second.buffer instanceof ArrayBuffer &&
        second.byteLength <= MAX_CHUNK;
      return isChunk && sink.chunk(second) ? undefined : "sent a chunk that nobody asked for";
    }
    if (kind !== FRAME.end && kind !== FRAME.error) return "sent a frame of no kind";
    this.#sinks.delete(id);
    if (kind === FRAME.end) sink.end();
    else sink.fail(errorOf(second));
    return undefined;
  }

  /** The other side has gone: its streams fail, and what it read is cancelled. */
  close(reason: unknown): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    for (const source of this.#sources.values()) source.cancel(reason);
    for (const sink of this.#sinks.values()) sink.fail(reason);
    this.#sources.clear();
    this.#sinks.clear();
  }

  #open(stream: ReadableStream<unknown>): void {
    const id = this.#nextSource++;
    const over = () => this.#sources.delete(id);
    this.#sources.set(id, new StreamSource(stream, id, this.#send, over));
  }

  readonly #send = (frame: readonly unknown[]): void => {
    if (!this.#isClosed) this.#options.send(encodeValue(frame));
  };

  #takeMessage(message: unknown, places: unknown): string | undefined {
    if (places !== undefined) {
      if (!Array.isArray(places) || this.#sinks.size + places.length > MAX_STREAMS) {
        return "sent too many streams";
      }
      for (const place of places) {
        const found = Array.isArray(place) ? placeAt(message, place[0]) : undefined;
        if (found === undefined || place[1] !== this.#nextSink) return "sent a stream to no place";
        const id = this.#nextSink++;
        const sink = new StreamSink(id, this.#send);
        this.#sinks.set(id, sink);
        found.holder[found.key] = sink.stream;
      }
    }
    this.#options.onMessage(message);
    return undefined;
  }
}

function checkMovable(item: unknown): ReadableStream<unknown> {
  if (item instanceof ReadableStream) {
    if (!item.locked) return item;
    throw dataCloneError("Cannot send a stream to another process: it is locked");
  }
  const kind = (item as object | null)?.constructor?.name ?? typeof item;
  throw dataCloneError(
    `Cannot send a message to another process: a ${kind} cannot be moved there, only ` +
      "a ReadableStream or an ArrayBuffer",
  );
}

function errorOf(record: unknown): Error {
  const parsed = parseErrorRecord(record);
  return parsed === undefined ? new Error("The stream has failed") : fromErrorRecord(parsed);
}
