/** Says that the xbox pool is as it was. */
export default (message: unknown): unknown => message;
