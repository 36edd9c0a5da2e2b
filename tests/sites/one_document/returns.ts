/** A thread that ends without a word. */
export default function leave(): void {}
