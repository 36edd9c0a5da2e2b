import process from "node:process";

/** Sends past its link what the channel cannot carry, and goes on. */
export default function garbage() {
  const channel = process as unknown as { send(message: unknown, done: () => void): void };
  channel.send({ f() {} }, () => {});
}
