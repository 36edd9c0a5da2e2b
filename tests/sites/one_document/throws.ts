/** A startup document or a thread that fails. */
export default function fail(): never {
  throw new TypeError("the well is dry");
}
