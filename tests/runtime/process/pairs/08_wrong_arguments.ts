/**
 * Wrong arguments are refused alike, and change nothing. A RangeError stands for PHP's ValueError.
 * (KILL and STOP are left out: PHP 8.2 with Zend signals dies of them, newer rules return false.
 * What is wrapped in refused() is EINVAL there and an error in newer ones.)
 *
 * @module
 */

import * as pcntl from "../../../../runtime/process/mod.ts";

async function attempt(call: () => unknown): Promise<void> {
  try {
    console.log(`${JSON.stringify(await call())} ${pcntl.getLastError()}`);
  } catch (error) {
    console.log(error instanceof RangeError ? "ValueError" : (error as Error).name);
  }
}
async function refused(call: () => unknown): Promise<string> {
  try {
    await call();
    return "done";
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    return "refused";
  }
}
const { SIGUSR2 } = pcntl;
const none = () => {};
await attempt(() => pcntl.signal(0, none));
await attempt(() => pcntl.signal(-1, none));
await attempt(() => pcntl.signal(65, none));
await attempt(() => pcntl.signal(SIGUSR2, 2 as 1));
await attempt(() => pcntl.signal(SIGUSR2, "no such function" as unknown as 1));
await attempt(() => pcntl.signalGetHandler(0));
await attempt(() => pcntl.signalGetHandler(65));
await attempt(() => refused(() => pcntl.sigprocmask(3, [SIGUSR2])));
await attempt(() => refused(() => pcntl.sigtimedwait([SIGUSR2], -1)));
await attempt(() => refused(() => pcntl.sigtimedwait([SIGUSR2], 0, 1_000_000_000)));
await attempt(() => refused(() => pcntl.sigtimedwait([SIGUSR2], 0, 0)));
await attempt(() => pcntl.getpriority(null, 9));
await attempt(() => pcntl.signalGetHandler(SIGUSR2));
