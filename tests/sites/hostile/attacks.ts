/**
 * What a hostile document tries over the raw port of its worker, by name.
 *
 * @module
 */

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

/** Id of the entry's last question. */
let question = "";
addEventListener.call(self, "message", (event) => {
  const { data } = event as MessageEvent;
  if (data?.type === "APPLY") question = data.id;
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
const respond = (over: Frame = {}) =>
  answer({ value: { status: 200, headers: [], body: null, open: false, ...over } });
const raw = (...values: unknown[]) => values.map((value) => ({ type: "RAW", value }));
const shared = () => new Uint8Array(new SharedArrayBuffer(8));
const thrown = (value: unknown) =>
  answer({ type: "HANDLER", name: "throw", value: { isError: true, value } });

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

/** Attacks by answers to the question that is open: each ends its worker. */
export const ANSWERS: Record<string, () => unknown> = {
  proxy: () => withPort((value) => ({ id: question, type: "HANDLER", name: "proxy", value })),
  proxyOfNothing: () => answer({ type: "HANDLER", name: "proxy", value: {} }),
  throwNull: () => thrown(null),
  throwText: () => thrown("x"),
  throwValue: () => answer({ type: "HANDLER", name: "throw", value: { isError: false, value: 1 } }),
  throwObjects: () => thrown({ name: {}, message: { toString: 1 } }),
  unknownHandler: () => answer({ type: "HANDLER", name: "constructor", value: {} }),
  nothing: () => answer({}),
  shared: () => answer({ value: shared() }),
  sharedBody: () => respond({ body: shared() }),
  textBody: () => respond({ body: "text" }),
  listBody: () => respond({ body: { getReader: 1 } }),
  noStatus: () => respond({ status: "200" }),
  hugeStatus: () => respond({ status: 1e300 }),
  smallStatus: () => respond({ status: 0 }),
  oddStatus: () => respond({ status: { valueOf: 200 } }),
  noHeaders: () => respond({ headers: null }),
  headersOfObjects: () => respond({ headers: [[{}, {}]] }),
  brokenHeaders: () => respond({ headers: [["a\r\nb", "x"]] }),
  millionHeaders: () => respond({ headers: Array(1e6).fill(["a", "b"]) }),
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

/** Answers the open question well, and then again. */
export function answerTwice(): void {
  respond();
  respond();
}
