import type { XboxContext } from "../../../mod.ts";

/** Hands back what it gets, or says who has asked. */
export default function echo(message: unknown, { from }: XboxContext): unknown {
  return message === "who" ? { from } : message;
}
