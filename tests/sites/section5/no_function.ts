/** A document without the function that it should export. @module */

export const nothing = undefined;
