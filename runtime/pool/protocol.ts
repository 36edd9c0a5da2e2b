/**
 * What the pool and the runner in a worker tell each other: tasks, answers, and who holds a task that
 * has been sent ahead.
 *
 * @module
 */

/**
 * A task on its way to a worker: its id, its place in the ring, what is to be run, the milliseconds that
 * it has, 0 without a limit, and whether it is to be run at once, beside what is running.
 */
export type TaskMessage = [
  id: number,
  place: number,
  payload: unknown,
  remainingMs: number,
  lent: boolean,
];

/** An answer on its way back: the task's id, {@linkcode FLAGS}, a value or an error record, milliseconds of work. */
export type AnswerMessage = [id: number, flags: number, value: unknown, ms: number];

/** What an answer says beside its value. */
export const FLAGS = Object.freeze({
  /** The value is the record of an error. */
  error: 1,
  /** The worker is not done with the task: it says so in another answer. */
  open: 2,
  /** The worker is done with a task that it has answered before. */
  done: 4,
  /** The worker should be replaced before its next task. */
  reset: 8,
  /** The worker has not begun with the task and gives it back; only where there is no ring to take it from. */
  back: 16,
  /** Beside an error: the worker did not come to run the handler. */
  unrun: 32,
});
/** Every flag at once. */
const ALL_FLAGS = Object.values(FLAGS).reduce<number>((all, flag) => all | flag, 0);

/** Whether a worker has sent an answer, as far as can be seen without its task and its value. */
export function isAnswer(sent: unknown): sent is AnswerMessage {
  if (!Array.isArray(sent) || sent.length !== 4) return false;
  const [, flags, , ms] = sent;
  return Number.isInteger(flags) && flags >= 0 && flags <= ALL_FLAGS &&
    Number.isFinite(ms) && ms >= 0;
}

/** In place of a task's id in what is no answer: the worker asks for a reset that shows only between tasks. */
export const RESET_ID = 0;

/** Tasks that one worker can hold, those that it has been sent ahead included. */
export const RING_PLACES = 64;

const FREE = 0;
/** Where a task stands that found no place: it has begun as soon as it is sent, and cannot be taken back. */
export const NOWHERE = -1;
// A document that replaces these would leave its worker without a way to begin.
const { compareExchange, load, store } = Atomics;

/** Memory for the ring of one worker. */
export function newRing(): SharedArrayBuffer {
  return new SharedArrayBuffer(RING_PLACES * Int32Array.BYTES_PER_ELEMENT);
}

/**
 * Who holds each task of one worker, in memory that both sides see: a place holds the key of a task that
 * was sent, its negative once the worker has begun, and nothing when it was taken back. Whoever comes
 * first has it. A worker can write whatever it likes there, and fools nobody but itself: a task that
 * was taken back is not open any more, and one that finds no place runs without.
 */
export class Ring {
  readonly #places: Int32Array;

  constructor(memory: SharedArrayBuffer) {
    this.#places = new Int32Array(memory);
  }

  /** For the pool: puts a task into a place that is free; -1 when there is none, which the others take as well. */
  put(id: number): number {
    const place = this.#places.indexOf(FREE);
    if (place !== NOWHERE) store(this.#places, place, keyOf(id));
    return place;
  }

  /** For the pool: the task in the place is over. */
  release(place: number): void {
    if (place !== NOWHERE) store(this.#places, place, FREE);
  }

  /** For the pool: whether the worker has begun with the task. */
  isStarted(place: number, id: number): boolean {
    return place === NOWHERE || load(this.#places, place) !== keyOf(id);
  }

  /** For the pool: takes a task back and frees its place; says whether the worker had not begun with it. */
  takeBack(place: number, id: number): boolean {
    return place !== NOWHERE &&
      compareExchange(this.#places, place, keyOf(id), FREE) === keyOf(id);
  }

  /** For the worker: begins with a task; says whether it is still there. */
  start(place: number, id: number): boolean {
    return place === NOWHERE ||
      compareExchange(this.#places, place, keyOf(id), -keyOf(id)) === keyOf(id);
  }
}

/** Never 0, and the same again only after a billion tasks. */
function keyOf(id: number): number {
  return id % 0x3fff_ffff + 1;
}
