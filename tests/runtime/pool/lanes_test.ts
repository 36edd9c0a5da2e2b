import assert from "node:assert/strict";
import { Place, Turns } from "../../../runtime/pool/lanes.ts";

/** Routes in the order of their turns. */
function order(turns: Turns<string>): string {
  let routes = "";
  const first = turns.current;
  for (let lane = first; lane !== undefined; lane = lane.next === first ? undefined : lane.next) {
    assert.equal(lane.next.previous, lane);
    routes += lane.route;
  }
  return routes;
}

Deno.test("Turns.open() puts a new route behind the others and finds one that is there", () => {
  const turns = new Turns<string>();
  const lanes = ["a", "b", "c"].map((route) => turns.open(route));
  assert.equal(order(turns), "abc");
  assert.equal(turns.open("b"), lanes[1]);
  turns.pass();
  turns.open("d");
  assert.equal(order(turns), "bcad");
});

Deno.test("Turns.prefer() gives a route the next turn and leaves the others in order", () => {
  const turns = new Turns<string>();
  for (const route of "abc") turns.open(route);
  turns.prefer(turns.open("c"));
  assert.equal(order(turns), "cab");
  turns.prefer(turns.open("c"));
  assert.equal(order(turns), "cab");
});

Deno.test("Turns.close() forgets a route, and passes on the turn if it had it", () => {
  const turns = new Turns<string>();
  for (const route of "abc") turns.open(route);
  turns.close(turns.open("b"));
  assert.equal(order(turns), "ac");
  turns.close(turns.open("a"));
  assert.equal(order(turns), "c");
  turns.close(turns.open("c"));
  assert.equal(order(turns), "");
  assert.equal(turns.longest(), undefined);
  for (const route of "abc") assert.equal(turns.get(route), undefined);
});

Deno.test("Turns.longest() finds the route in which most waits", () => {
  const turns = new Turns<string>();
  for (const route of ["a", "b", "b", "c", "c"]) {
    const lane = turns.open(route);
    lane.push(new Place(route, lane, false));
  }
  assert.equal(turns.longest()?.route, "b", "the first of two");
  const { lane, before } = turns.open("b").last!;
  lane.remove(before!);
  assert.equal(turns.longest()?.route, "c");
});
