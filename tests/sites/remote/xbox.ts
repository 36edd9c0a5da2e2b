/** Sends the message back. */
export default function echo(message: unknown): unknown {
  return message;
}
