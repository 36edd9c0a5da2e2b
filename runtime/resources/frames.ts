/**
 * Frames: what a request has of its own, however many requests an isolate runs at once.
 *
 * A frame follows the code of its request over awaits, timers and messages. What outlives the request still
 * carries the frame, and finds it closed.
 *
 * Workers load this file. `node:async_hooks`, which takes milliseconds to load, comes when request scope is
 * first in sight.
 *
 * @module
 */

import type { AsyncLocalStorage } from "node:async_hooks";

/** What a frame needs to know of a resource. */
export interface FrameResource {
  /** Destroys instances. */
  dtor?: (instance: unknown) => void;
}

/** One instance of a request. */
interface Kept {
  id: number;
  resource: FrameResource;
}

/** The instances of one request. */
export interface Frame {
  /** Whether the request still runs. */
  isOpen: boolean;
  /** Instances by id; `null` where the resource was freed meanwhile. */
  made: unknown[];
  /** What there is in `made`, in the order in which it was made; absent while there is nothing. */
  kept: Kept[] | undefined;
}

/** A request that began when nothing belonged to requests. */
export interface LoneRequest {
  frame: Frame;
  /** Runs before the frame is first used. */
  prepare: (() => void) | undefined;
}

type AsyncHooks = { AsyncLocalStorage: new () => AsyncLocalStorage<Frame> };

let frames: AsyncLocalStorage<Frame> | undefined;
let isLoading = false;
/** Frames with instances that have not been closed. */
const open = new Set<Frame>();
const lone = new Set<LoneRequest>();
/** The instances of every frame that has none yet: they are kept elsewhere from the first one on. */
const NOTHING: unknown[] = [];

/** Loads what frames need, in the background, so that the first request need not wait for it. */
export function prepareFrames(): void {
  if (isLoading || frames !== undefined) return;
  isLoading = true;
  import("node:async_hooks").then(use, ignore);
}

/** The frame that the running code carries. */
export function currentFrame(): Frame | undefined {
  return (frames === undefined ? undefined : frames.getStore()) ?? loneFrame();
}

/** Adds a request that runs without carrying its frame: it has one for as long as it is the only such request. */
export function addLone(request: LoneRequest): void {
  lone.add(request);
}

/** The request is over. */
export function deleteLone(request: LoneRequest): void {
  lone.delete(request);
}

/** Makes a frame. */
export function createFrame(): Frame {
  return { isOpen: true, made: NOTHING, kept: undefined };
}

/** Runs `fn` and what it starts in a frame. */
export function runInFrame<T>(frame: Frame, fn: () => T): T {
  return (frames ?? load()).run(frame, fn);
}

/** Adds an instance to a frame. */
export function keepInFrame(
  frame: Frame,
  id: number,
  resource: FrameResource,
  instance: unknown,
): void {
  if (frame.kept === undefined) {
    frame.kept = [];
    frame.made = [];
    open.add(frame);
  }
  frame.made[id] = instance;
  frame.kept.push({ id, resource });
}

/** Closes a frame and destroys what it holds, the highest id first; what destructors throw is added to `errors`. */
export function closeFrame(frame: Frame, errors: unknown[]): void {
  frame.isOpen = false;
  const { kept } = frame;
  if (kept === undefined) return;
  open.delete(frame);
  if (kept.length > 1) kept.sort((a, b) => b.id - a.id);
  for (const { id, resource } of kept) destroyIn(frame, id, resource, errors);
}

/** Closes the frames of all requests that have instances. */
export function closeAllFrames(errors: unknown[]): void {
  for (const frame of [...open]) closeFrame(frame, errors);
}

/** Destroys a freed resource in every request that runs. */
export function freeInFrames(id: number, resource: FrameResource, errors: unknown[]): void {
  for (const frame of open) destroyIn(frame, id, resource, errors);
}

function destroyIn(frame: Frame, id: number, { dtor }: FrameResource, errors: unknown[]): void {
  const instance = frame.made[id];
  if (instance === undefined || instance === null) return;
  frame.made[id] = null;
  try {
    dtor?.(instance);
  } catch (error) {
    errors.push(error);
  }
}

function loneFrame(): Frame | undefined {
  if (lone.size !== 1) return undefined;
  const [request] = lone;
  const { frame, prepare } = request!;
  request!.prepare = undefined;
  prepare?.();
  return frame;
}

function load(): AsyncLocalStorage<Frame> {
  if (frames === undefined) {
    const { process } = globalThis as unknown as {
      process: { getBuiltinModule(name: string): AsyncHooks };
    };
    use(process.getBuiltinModule("node:async_hooks"));
  }
  return frames!;
}

function use({ AsyncLocalStorage }: AsyncHooks): void {
  frames ??= new AsyncLocalStorage();
}

/** It is tried again, and then with an error that somebody sees, when the first request opens. */
function ignore(): void {}
