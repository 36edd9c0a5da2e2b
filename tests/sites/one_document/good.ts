/** A document that is right for xbox. */
export default function answer(message: unknown): unknown {
  return message;
}
