import type { StartupContext } from "../../../mod.ts";

/** A startup document that never ends. */
export default function hang({ log }: StartupContext): Promise<void> {
  log.info("It hangs");
  return new Promise(() => {});
}
