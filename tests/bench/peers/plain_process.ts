import process from "node:process";

process.on("message", (message: unknown) => process.send!(message));
