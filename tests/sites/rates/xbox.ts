import type { XboxContext } from "../../../mod.ts";

export default function processMessage(message: unknown, { from }: XboxContext): unknown {
  return message === "from" ? from : message;
}
