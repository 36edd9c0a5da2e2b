import type { tree } from "../../../mod.ts";

export default function (executor: tree.Executor, data: unknown) {
  executor.addListener({
    onMessageReceived({ source, payload, isAck }) {
      if (!isAck) executor.submit({ echo: payload, data, alias: executor.alias }, source);
    },
  });
}
