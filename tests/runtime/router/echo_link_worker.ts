import { type Endpoint, PortLink } from "../../../runtime/router/port_link.ts";

const scope = globalThis as unknown as Endpoint & { close(): void };
const link = new PortLink(scope, () => scope.close());
link.start({
  onOpen() {},
  onFrame(value) {
    const frame = value as { type: string };
    if (frame.type === "leave") throw new Error("asked to fail");
    link.send(value as Parameters<typeof link.send>[0]);
  },
  onFault() {},
  onEnd() {},
});
