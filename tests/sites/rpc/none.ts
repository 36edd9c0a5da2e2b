/**
 * A document without a function that has a name.
 *
 * @module
 */

export const value = 1;
export default function unnamed(): void {}
