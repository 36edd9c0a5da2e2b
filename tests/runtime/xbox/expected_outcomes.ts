/**
 * What the cases of `tests/sites/delivery` bring, wherever the messages go.
 *
 * @module
 */

/** The outcome of each case, by its name. */
export const EXPECTED: Readonly<Record<string, unknown>> = {
  "values of the whole structured-clone set come back": [],
  "values arrive as they were sent": [],
  "a message that is no order": [
    '""',
    '"text"',
    "undefined",
    "null",
    "0",
    "[]",
    "Map(0) {}",
  ],
  "an error as a value": {
    "class": "RangeError",
    "name": "RangeError",
    "message": "as a value",
  },
  "what is shared in a value stays shared": true,
  "what the sender changes after it has sent does not arrive": [
    {
      "list": [
        1,
      ],
    },
    [
      1,
      2,
      3,
    ],
    3,
  ],
  "a value of a mebibyte": [
    1048576,
    true,
  ],
  "a result can be asked for again": [
    {
      "code": 200,
      "value": 1,
    },
    true,
    "done",
  ],
  "waiting ends before the task does": [
    {
      "code": -1,
    },
    200,
    true,
  ],
  "the handler throws RangeError with a cause": [
    {
      "code": 500,
      "error": {
        "class": "RangeError",
        "name": "RangeError",
        "message": "out of range",
        "cause": {
          "class": "TypeError",
          "name": "TypeError",
          "code": "E_CAUSE",
          "message": "the cause",
        },
      },
      "side": "receiver",
      "mayHaveRun": true,
    },
    "failed",
    {
      "class": "RangeError",
      "name": "RangeError",
      "message": "out of range",
      "cause": {
        "class": "TypeError",
        "name": "TypeError",
        "code": "E_CAUSE",
        "message": "the cause",
      },
    },
  ],
  "the handler throws own class": [
    {
      "code": 500,
      "error": {
        "class": "Error",
        "name": "OwnError",
        "code": "E_OWN",
        "message": "mine",
      },
      "side": "receiver",
      "mayHaveRun": true,
    },
    "failed",
    {
      "class": "Error",
      "name": "OwnError",
      "code": "E_OWN",
      "message": "mine",
    },
  ],
  "the handler throws text": [
    {
      "code": 500,
      "error": {
        "class": "Error",
        "name": "Error",
        "message": "just text",
      },
      "side": "receiver",
      "mayHaveRun": true,
    },
    "failed",
    {
      "class": "Error",
      "name": "Error",
      "message": "just text",
    },
  ],
  "the handler throws nothing": [
    {
      "code": 500,
      "error": {
        "class": "Error",
        "name": "Error",
        "message": "thrown value",
      },
      "side": "receiver",
      "mayHaveRun": true,
    },
    "failed",
    {
      "class": "Error",
      "name": "Error",
      "message": "thrown value",
    },
  ],
  "the handler throws RuntimeError that looks like the runtime's": [
    {
      "code": 503,
      "error": {
        "class": "RuntimeError",
        "name": "RuntimeError",
        "code": "QUEUE_FULL",
        "message": "not the queue",
      },
      "side": "receiver",
      "mayHaveRun": true,
    },
    "failed",
    {
      "class": "RuntimeError",
      "name": "RuntimeError",
      "code": "QUEUE_FULL",
      "message": "not the queue",
    },
  ],
  "the handler throws AbortError": [
    {
      "code": 500,
      "error": {
        "class": "DOMException",
        "name": "AbortError",
        "message": "stopped",
      },
      "side": "receiver",
      "mayHaveRun": true,
    },
    "failed",
    {
      "class": "DOMException",
      "name": "AbortError",
      "message": "stopped",
    },
  ],
  "the handler returns what cannot travel": [
    {
      "code": 500,
      "error": {
        "class": "DOMException",
        "name": "DataCloneError",
        "message": "()=>{} could not be cloned.",
      },
      "side": "receiver",
      "mayHaveRun": true,
    },
    {
      "code": 500,
      "error": {
        "class": "RuntimeError",
        "name": "RuntimeError",
        "code": "BAD_MESSAGE",
        "message": 'Worker "xbox n" ended',
      },
      "side": "receiver",
      "mayHaveRun": true,
    },
  ],
  "a message that cannot travel": [
    "DataCloneError",
    "DataCloneError",
    "DataCloneError",
    "DataCloneError",
    "DataCloneError",
    "DataCloneError",
    "DataCloneError",
    "DataCloneError",
  ],
  "wrong options": [
    {
      "class": "RangeError",
      "name": "RangeError",
      "message": "Cannot send a message",
    },
    {
      "class": "RangeError",
      "name": "RangeError",
      "message": "Cannot send a message",
    },
    {
      "class": "TypeError",
      "name": "TypeError",
      "message": "Cannot send a message",
    },
    {
      "class": "Error",
      "name": "Error",
      "message": "gone",
    },
  ],
  "the task runs out of time": [
    {
      "code": 504,
      "error": {
        "name": "RuntimeError",
        "code": "DEADLINE_EXCEEDED",
      },
      "mayHaveRun": true,
    },
    "timed-out",
  ],
  "the task is cancelled": [
    {
      "code": 503,
      "error": {
        "name": "RuntimeError",
        "code": "CANCELLED",
      },
      "side": "sender",
      "mayHaveRun": true,
    },
    "cancelled",
  ],
  "the sender's signal cancels the task": [
    503,
    "CANCELLED",
  ],
  "the queue is full": [
    {
      "class": "RuntimeError",
      "name": "RuntimeError",
      "code": "QUEUE_FULL",
      "message": "Cannot start an xbox message",
    },
    {
      "class": "RuntimeError",
      "name": "RuntimeError",
      "code": "QUEUE_FULL",
      "message": "Cannot start an xbox message",
    },
  ],
  "a posted message is handled": [
    null,
    "posted",
  ],
  "a posted message that fails is no error": "nothing was thrown",
  "what the handler knows": [
    "string",
    {
      "attempt": 1,
      "hasSession": true,
    },
  ],
  "the handler sends a message itself": "(inner)",
  "the worker ends under the message": {
    "code": 500,
    "error": {
      "class": "RuntimeError",
      "name": "RuntimeError",
      "code": "THREAD_EXITED",
      "message": 'Worker "xbox n" ended',
    },
    "side": "receiver",
    "mayHaveRun": true,
  },
  "many at once": true,
};
