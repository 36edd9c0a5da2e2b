/** @module */

import type { StartupContext } from "../../../mod.ts";

export default function startup({ globals }: StartupContext): void {
  globals.set("motd", { text: ["hello", { deep: true }] });
}
