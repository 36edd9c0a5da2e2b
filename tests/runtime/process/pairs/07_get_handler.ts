/**
 * The handler that was given comes back, or the number that stands for the action.
 *
 * @module
 */

import * as pcntl from "../../../../runtime/process/mod.ts";

const { SIG_DFL, SIG_IGN, SIGUSR2 } = pcntl;
const handler = () => {};
console.log(JSON.stringify(pcntl.signalGetHandler(SIGUSR2)));
pcntl.signal(SIGUSR2, handler);
console.log(JSON.stringify(pcntl.signalGetHandler(SIGUSR2) === handler));
pcntl.signal(SIGUSR2, SIG_IGN);
console.log(JSON.stringify(pcntl.signalGetHandler(SIGUSR2)));
pcntl.signal(SIGUSR2, SIG_DFL);
console.log(JSON.stringify(pcntl.signalGetHandler(SIGUSR2)));
