import process from "node:process";
import { type Channel, ParentLink } from "../../../runtime/router/process_link.ts";

const link = new ParentLink(process as unknown as Channel);
link.start({
  onOpen() {},
  onFrame(value) {
    const frame = value as { type: string };
    if (frame.type === "leave") throw new Error("asked to fail");
    link.send(value as Parameters<typeof link.send>[0]);
  },
  onFault() {},
  onEnd: () => Deno.exit(0),
});
