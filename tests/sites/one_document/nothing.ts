/** Not the default. */
export const nothing = 1;
