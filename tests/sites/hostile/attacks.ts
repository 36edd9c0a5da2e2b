/**
 * What a hostile document tries over the raw port of its worker, by name.
 *
 * @module
 */

import { setTimeout as startTimer } from "node:timers";
import { wrap } from "../../../runtime/deps/comlink.ts";

/** A message as Comlink sends it. */
type Frame = Record<string, unknown>;

/** What a worker has where the types have a window. */
const scope = self as unknown as Worker;
/** The worker's end of its port, before anybody replaces it. */
export const post = scope.postMessage.bind(scope) as (
  message: unknown,
  transfer?: Transferable[],
) => void;
const addEventListener = EventTarget.prototype.addEventListener;
const send = MessagePort.prototype.postMessage;
/** The source that must never run outside this worker. */
const CODE = "globalThis.canary = 'dead'; return Deno.readTextFileSync('/etc/passwd')";

/** A task as the pool sends it: its id, its place in the ring, and what else there is. */
type Task = [id: number, place: number, ...rest: unknown[]];

/** Id of the entry's last question, which is answered already. */
let question = "";
/** The task that came last. */
let task: Task = [0, 0];
/** Who holds which task, as pool and worker see it. */
let ring = new Int32Array(0);

// The worker's own listener keeps tasks to itself, and came first.
Event.prototype.stopImmediatePropagation = () => {};
addEventListener.call(self, "message", (event) => {
  const { data } = event as MessageEvent;
  if (data?.type === "TASKS") task = data.list.at(-1);
  if (data?.type !== "APPLY") return;
  question = data.id;
  const [config] = data.path[0] === "open" ? data.argumentList[0].value : [];
  if (config?.options.pool !== undefined) ring = new Int32Array(config.options.pool.ring);
});

const call = (over: Frame = {}) =>
  post({
    id: crypto.randomUUID(),
    type: "APPLY",
    path: ["log"],
    argumentList: ["info", "hello"].map((value) => ({ type: "RAW", value })),
    ...over,
  });
const answer = (over: Frame, transfer?: Transferable[]) =>
  post({ id: question, type: "RAW", ...over }, transfer);
const raw = (...values: unknown[]) => values.map((value) => ({ type: "RAW", value }));
const shared = () => new Uint8Array(new SharedArrayBuffer(8));
const RESPONSE = { status: 200, headers: [], body: null };
const RECORD = { name: "Error", message: "m" };
const answers = (...list: unknown[]) => post({ type: "ANSWERS", list });
/** Answers the task that came last. */
const reply = (value: unknown, flags: unknown = 0, ms: unknown = 1) =>
  answers([task[0], flags, value, ms]);
const respond = (over: Frame = {}) => reply({ ...RESPONSE, ...over });
const replyAs = (id: unknown) => answers([id, 0, RESPONSE, 1]);
/** Answers with something that moves. */
function respondWith(body: unknown): void {
  post({ type: "ANSWERS", list: [[task[0], 0, { ...RESPONSE, body }, 1]] }, [body as Transferable]);
}

/** A port, and the frame that sends it. */
function withPort(make: (port: MessagePort) => Frame): void {
  const { port1 } = new MessageChannel();
  post(make(port1), [port1]);
}

/** Attacks by calls: each is refused, and ends its worker, wherever it is made. */
export const CALLS: Record<string, () => unknown> = {
  construct: () =>
    call({ type: "CONSTRUCT", path: ["log", "constructor"], argumentList: raw(CODE) }),
  constructDirect: () =>
    call({ type: "CONSTRUCT", path: ["constructor"], argumentList: raw(CODE) }),
  applyConstructor: () => call({ path: ["log", "constructor"], argumentList: raw(CODE) }),
  comlink: () => {
    // deno-lint-ignore no-explicit-any -- what the entry exposes is what is being tried
    const api = wrap(scope) as any;
    return Promise.all([new api.log.constructor(CODE), api.then, api.log.constructor.name]);
  },
  get: () => call({ type: "GET", path: ["log"] }),
  getThen: () => call({ type: "GET", path: ["then"] }),
  getProto: () => call({ type: "GET", path: ["__proto__"] }),
  set: () => call({ type: "SET", path: ["log"], value: { type: "RAW", value: 1 } }),
  setProto: () =>
    call({ type: "SET", path: ["__proto__", "canary"], value: { type: "RAW", value: "dead" } }),
  endpoint: () => call({ type: "ENDPOINT" }),
  release: () => call({ type: "RELEASE" }),
  nested: () => call({ path: ["log", "call"] }),
  unknown: () => call({ path: ["secret"] }),
  toString: () => call({ path: ["toString"] }),
  noFrame: () => post(null),
  text: () => post("x"),
  nullArgument: () => call({ argumentList: [null] }),
  nullArguments: () => call({ argumentList: null }),
  unknownHandler: () => call({ argumentList: [{ type: "HANDLER", name: "x", value: 1 }] }),
  throwHandler: () =>
    call({ argumentList: [{ type: "HANDLER", name: "throw", value: { isError: false } }] }),
  proxyArgument: () =>
    withPort((port) => ({
      id: "p",
      type: "APPLY",
      path: ["log"],
      argumentList: [{ type: "HANDLER", name: "proxy", value: port }],
    })),
  port: () => withPort((value) => ({ id: "p", type: "APPLY", path: ["log"], ...raw(value) })),
  sharedArgument: () => call({ argumentList: raw("info", "x", { deep: [shared()] }) }),
  sharedError: () =>
    call({ argumentList: raw("info", "x", { e: new Error("m", { cause: shared() }) }) }),
  streamArgument: () => {
    const stream = new ReadableStream();
    post({ id: "s", type: "APPLY", path: ["log"], argumentList: raw(stream) }, [
      stream as unknown as Transferable,
    ]);
  },
  streamsPort: () => {
    const ports = takePorts();
    const stream = new ReadableStream();
    post({ id: "s", type: "APPLY", path: ["log"], argumentList: raw(stream) }, [
      stream as unknown as Transferable,
    ]);
    for (const port of ports) send.call(port, null);
  },
  idReused: () => {
    for (let i = 0; i < 2; i++) call({ id: "same", path: ["storeGet"], argumentList: raw("k") });
  },
  flood: () => {
    for (let i = 0; i < 3000; i++) call({ path: ["storeGet"], argumentList: raw("k") });
  },
  forgedId: () => answer({ id: "0-0-0-0", value: 1 }),
  replacedPost: () => {
    scope.postMessage = ((message: Frame) => post({ ...message, type: "GET" })) as never;
    return 1;
  },
};

/** Attacks by answers: each ends its worker before the task has an answer. */
export const ANSWERS: Record<string, () => unknown> = {
  // To questions of Comlink that are not open.
  raw: () => answer({ value: 1 }),
  proxy: () => withPort((value) => ({ id: question, type: "HANDLER", name: "proxy", value })),
  thrown: () => answer({ type: "HANDLER", name: "throw", value: { isError: true, value: RECORD } }),
  // Lists that are none.
  noList: () => post({ type: "ANSWERS" }),
  textList: () => post({ type: "ANSWERS", list: "x" }),
  recordList: () => post({ type: "ANSWERS", list: { length: 1, 0: [task[0], 0, RESPONSE, 1] } }),
  emptyList: () => answers(),
  sparseList: () => post({ type: "ANSWERS", list: new Array(1) }),
  longList: () => answers(...Array(65).fill([task[0], 0, RESPONSE, 1])),
  hugeList: () => post({ type: "ANSWERS", list: new Array(2 ** 32 - 1) }),
  typeList: () => post({ type: ["ANSWERS"], list: [[task[0], 0, RESPONSE, 1]] }),
  alsoCall: () => call({ type: "ANSWERS" }),
  alsoEmpty: () => call({ type: "ANSWERS", list: [] }),
  // Answers that are none.
  nullAnswer: () => answers(null),
  textAnswer: () => answers("answ"),
  recordAnswer: () => answers({ length: 4, 0: task[0], 1: 0, 2: RESPONSE, 3: 1 }),
  shortAnswer: () => answers([task[0], 0, RESPONSE]),
  longAnswer: () => answers([task[0], 0, RESPONSE, 1, 1]),
  sharedAnswer: () => answers(new Float64Array(new SharedArrayBuffer(32))),
  // Ids: of nobody, of the next task, of tasks that are over, and things that only look like one.
  farId: () => replyAs(task[0] + 1e6),
  nextId: () => replyAs(task[0] + 1),
  lastId: () => replyAs(task[0] - 1),
  zeroId: () => replyAs(0),
  negativeId: () => replyAs(-task[0]),
  floatId: () => replyAs(task[0] + 0.5),
  nanId: () => replyAs(NaN),
  textId: () => replyAs(`${task[0]}`),
  bigId: () => replyAs(BigInt(task[0])),
  boxedId: () => replyAs(Object(task[0])),
  recordId: () => replyAs({ valueOf: task[0] }),
  listId: () => replyAs([task[0]]),
  nullId: () => replyAs(null),
  // Flags and times.
  nanFlags: () => reply(RESPONSE, NaN),
  hugeFlags: () => reply(RESPONSE, 1e300),
  wideFlags: () => reply(RESPONSE, 2 ** 32),
  unknownFlags: () => reply(RESPONSE, 16),
  negativeFlags: () => reply(RESPONSE, -(2 ** 31)),
  floatFlags: () => reply(RESPONSE, 0.5),
  textFlags: () => reply(RESPONSE, "0"),
  listFlags: () => reply(RESPONSE, [0]),
  nanTime: () => reply(RESPONSE, 0, NaN),
  endlessTime: () => reply(RESPONSE, 0, Infinity),
  negativeTime: () => reply(RESPONSE, 0, -1e300),
  textTime: () => reply(RESPONSE, 0, "1"),
  // Out of order.
  done: () => reply(null, 4),
  doneOpen: () => reply(RESPONSE, 6),
  doneError: () => reply(RECORD, 5),
  // Errors that are none.
  errorNull: () => reply(null, 1),
  errorText: () => reply("x", 1),
  errorList: () => reply([RECORD], 1),
  errorObjects: () => reply({ name: {}, message: { toString: 1 } }, 1),
  errorWithShared: () => reply({ ...RECORD, extra: shared() }, 1),
  errorWithStream: () => {
    const extra = new ReadableStream();
    post({ type: "ANSWERS", list: [[task[0], 1, { ...RECORD, extra }, 1]] }, [
      extra as unknown as Transferable,
    ]);
  },
  errorNameless: () => reply({ message: "m" }, 1),
  // Values.
  nothing: () => reply(undefined),
  text: () => reply("x"),
  list: () => reply([RESPONSE]),
  shared: () => reply(shared()),
  sharedBody: () => respond({ body: shared() }),
  sharedMemory: () => respond({ body: new SharedArrayBuffer(8) }),
  textBody: () => respond({ body: "text" }),
  listBody: () => respond({ body: { getReader: 1 } }),
  portBody: () => respondWith(new MessageChannel().port1),
  writableBody: () => respondWith(new WritableStream()),
  transformBody: () => respondWith(new TransformStream()),
  hugeBody: () => respond({ body: new Uint8Array(2_000_000) }),
  noStatus: () => respond({ status: "200" }),
  hugeStatus: () => respond({ status: 1e300 }),
  smallStatus: () => respond({ status: 0 }),
  oddStatus: () => respond({ status: { valueOf: 200 } }),
  noHeaders: () => respond({ headers: null }),
  headersOfObjects: () => respond({ headers: [[{}, {}]] }),
  brokenHeaders: () => respond({ headers: [["a\r\nb", "x"]] }),
  millionHeaders: () => respond({ headers: Array(1e6).fill(["a", "b"]) }),
  // Heartbeats that nobody asked for.
  pong: () => post({ type: "PONG", heapBytes: 1 }),
  nanPong: () => post({ type: "PONG", heapBytes: NaN }),
  textPong: () => post({ type: "PONG", heapBytes: "1" }),
  negativePong: () => post({ type: "PONG", heapBytes: -1 }),
  recordPong: () => post({ type: "PONG", heapBytes: { valueOf: 1 } }),
  endlessPong: () => post({ type: "PONG", heapBytes: Infinity }),
  pongCall: () => call({ type: "PONG", heapBytes: 1 }),
};

/** Good answers, and then one too many: each ends its worker, and the task has its answer or an error. */
export const TWICE: Record<string, () => unknown> = {
  oneMessage: () => answers([task[0], 0, RESPONSE, 1], [task[0], 0, RESPONSE, 1]),
  twoMessages: () => {
    respond();
    respond();
  },
  open: () => answers([task[0], 2, RESPONSE, 1], [task[0], 2, RESPONSE, 1]),
  openThenError: () => answers([task[0], 2, RESPONSE, 1], [task[0], 1, RECORD, 1]),
  errorThenGood: () => answers([task[0], 1, RECORD, 1], [task[0], 0, RESPONSE, 1]),
  doneTwice: () => answers([task[0], 2, RESPONSE, 1], [task[0], 4, null, 1], [task[0], 4, null, 1]),
  doneUnasked: () => {
    const body = new ReadableStream();
    const list = [[task[0], 0, { ...RESPONSE, body }, 1], [task[0], 4, null, 1]];
    post({ type: "ANSWERS", list }, [body as unknown as Transferable]);
  },
  doneForEver: () => {
    const body = new ReadableStream();
    const done = [task[0], 4, null, 1];
    const list = [[task[0], 2, { ...RESPONSE, body }, 1], ...Array(60).fill(done)];
    post({ type: "ANSWERS", list }, [body as unknown as Transferable]);
  },
  badBehindGood: () => answers([task[0], 0, RESPONSE, 1], null),
};

/** Messages of which each is valid, and so many too many. */
export const FLOODS: Record<string, () => unknown> = {
  logs: () => call(),
  waits: () => call({ path: ["pageletWait"], argumentList: raw(1e9) }),
  cancels: () => call({ path: ["pageletCancel"], argumentList: raw(1e9, "x") }),
  empties: () => answers(),
  pongs: () => post({ type: "PONG", heapBytes: 1 }),
};

/** Sends a flood until the worker is ended; it gives way in between, since nothing stops one that spins. */
export function flood(send: () => unknown): void {
  for (let i = 0; i < 2000; i++) send();
  startTimer(() => flood(send));
}

/** What a worker writes over its ring while it runs a task. */
export const VANDALS: Record<string, () => unknown> = {
  zeros: () => ring.fill(0),
  ones: () => ring.fill(1),
  full: () => ring.fill(-1),
  least: () => ring.fill(-(2 ** 31)),
  next: () => ring.forEach((_, place) => ring[place] = task[0] + place + 2),
  notBegun: () => ring[task[1]] = task[0] + 1,
  notBegunAfter: () => {
    answers([task[0], 2, RESPONSE, 0.01]);
    ring[task[1]] = task[0] + 1;
  },
  moved: () => ring.copyWithin(1, 0),
  negated: () => ring.forEach((key, place) => ring[place] = -key),
};

const nothing = () => {};
const broken = () => {
  throw new Error("broken");
};

/** What a document replaces while it runs a task. */
export const TAMPERS: Record<string, () => unknown> = {
  postMessage: () => scope.postMessage = nothing,
  brokenPost: () => scope.postMessage = broken,
  addEventListener: () => scope.addEventListener = broken,
  listeners: () => EventTarget.prototype.addEventListener = broken,
  atomics: () =>
    Object.assign(Atomics, { compareExchange: () => 0, load: () => 0, store: nothing }),
  noAtomics: () => (globalThis as { Atomics: unknown }).Atomics = undefined,
  int32: () => (globalThis as { Int32Array: unknown }).Int32Array = undefined,
  mapGet: () => Map.prototype.get = nothing,
  mapSet: () => Map.prototype.set = broken,
  mapDelete: () => Map.prototype.delete = broken,
  then: () => Promise.prototype.then = broken,
  catch: () => Promise.prototype.catch = broken,
  push: () => Array.prototype.push = broken,
  shift: () => Array.prototype.shift = broken as never,
  iterator: () => Array.prototype[Symbol.iterator] = broken,
  now: () => performance.now = () => NaN,
  earlier: () => performance.now = () => -1e9,
  clone: () => globalThis.structuredClone = broken,
  deaf: () => {
    const { values } = Array.prototype;
    // A list of tasks is empty to who iterates over it.
    Array.prototype[Symbol.iterator] = function () {
      return values.call(Array.isArray(this[0]) && this[0].length === 5 ? [] : this);
    };
  },
  frozen: () => [Map, Promise, Array, Object].forEach((type) => Object.freeze(type.prototype)),
};

/** Ways in which a worker ends itself. */
export const EXITS: Record<string, () => unknown> = {
  exit: () => Deno.exit(3),
  close: () => self.close(),
};

/** The ports of the streams that this worker sends or gets from now on. */
export function takePorts(): Set<MessagePort> {
  const ports = new Set<MessagePort>();
  EventTarget.prototype.addEventListener = function (...args) {
    if (this instanceof MessagePort) ports.add(this);
    return addEventListener.apply(this, args);
  };
  return ports;
}

/** Sends something over a port below a stream. */
export function sendOver(ports: Iterable<MessagePort>, message: unknown): void {
  for (const port of ports) send.call(port, message);
}
