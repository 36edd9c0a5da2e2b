setInterval(() => {}, 1000);
await new Promise(() => {});

/** A node that never gets so far. */
export default function () {}
