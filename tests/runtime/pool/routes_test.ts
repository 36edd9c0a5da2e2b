import assert from "node:assert/strict";
import { Routes } from "../../../runtime/pool/routes.ts";

const noted = (...times: number[]) => {
  const routes = new Routes();
  for (const ms of times) routes.note("r", ms);
  return routes;
};
const times = (count: number, ms: number) => Array<number>(count).fill(ms);

Deno.test("Routes call a route quick once some of its tasks have been seen and were quick", () => {
  assert.equal(new Routes().isQuick("r"), false);
  assert.equal(noted(...times(3, 0.1)).isQuick("r"), false, "too few");
  assert.equal(noted(...times(4, 0.1)).isQuick("r"), true);
  assert.equal(noted(...times(4, 0.1)).isQuick("other"), false);
  assert.equal(noted(...times(50, 0.6)).isQuick("r"), false, "too slow on average");
});

Deno.test("Routes forgive a slow start, and one slow task only after a while", () => {
  assert.equal(noted(20, ...times(3, 0.1)).isQuick("r"), false);
  assert.equal(noted(20, ...times(30, 0.1)).isQuick("r"), true);
  const routes = noted(...times(50, 0.05));
  routes.note("r", 4.4);
  assert.equal(routes.isQuick("r"), false, "one has taken too long");
  for (let i = 0; i < 50; i++) routes.note("r", 0.05);
  assert.equal(routes.isQuick("r"), true);
});

Deno.test("Routes tell so many routes apart; the others are never quick", () => {
  const routes = new Routes();
  for (let i = 0; i < 300; i++) {
    for (const ms of times(4, 0.1)) routes.note(`/${i}`, ms);
  }
  const quick = Array.from({ length: 300 }, (_, i) => routes.isQuick(`/${i}`));
  assert.equal(quick.indexOf(false), 256);
  assert.equal(quick.lastIndexOf(true), 255);
});

Deno.test("Routes.isVeryQuick() asks for very short tasks, and for many of them since one that was long", () => {
  const start = [20, ...times(60, 0.01)];
  const long = [20, ...times(500, 0.01)];
  assert.equal(new Routes().isVeryQuick("r"), false, "nothing is known of it");
  assert.equal(noted(...start).isVeryQuick("r"), true, "the first ones load and compile");
  assert.equal(noted(...start, ...long).isVeryQuick("r"), false);
  assert.equal(noted(...start, ...long).isQuick("r"), true);
  assert.equal(noted(...start, ...long, ...times(20, 0.01)).isVeryQuick("r"), true);
  assert.equal(noted(...start, ...times(100, 0.2)).isVeryQuick("r"), false);
});
