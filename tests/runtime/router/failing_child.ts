export default function () {
  throw new Error("cannot run");
}
