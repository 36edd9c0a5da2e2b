/**
 * Tick functions run at every n-th statement, and so do handlers. Here the program says where a statement ends.
 * (PHP runs handlers before tick functions and we do so after them, so there is only one kind at a time.)
 *
 * @module
 */

import * as pcntl from "../../../../runtime/process/mod.ts";

const note = (name: string) => console.log(name);
pcntl.signal(pcntl.SIGUSR2, () => console.log("handler"));
pcntl.registerTickFunction(note, "tick");
pcntl.registerTickFunction(note, "tock");
const second = pcntl.declareTicks(2);
for (let i = 1; i <= 5; i++) second();
const tick = pcntl.declareTicks(1);
pcntl.unregisterTickFunction(note);
tick();
console.log("without the first");
tick();
pcntl.unregisterTickFunction(note);
tick();
pcntl.kill(Deno.pid, pcntl.SIGUSR2);
tick();
console.log("after the kill");
tick();
