import { expect, it, vi } from "vitest";
import { Problem } from "../../api/problem";
import { forgetMade, isObstacle, keepMade, madeBy, type Made } from "./made";

const made: Made = {
  hold: "one",
  etag: '"1"',
  person: "ann",
  mark: null,
  wanted: { flight_ids: ["AI1", "AI2"], weight_kg: 500 },
};

function storage(): void {
  const kept = new Map<string, string>();
  vi.stubGlobal("sessionStorage", {
    getItem: (name: string) => kept.get(name) ?? null,
    setItem: (name: string, value: string) => kept.set(name, value),
    removeItem: (name: string) => kept.delete(name),
  });
}

it("knows the hold of an option for who made it, until it is forgotten", () => {
  storage();
  keepMade(made);
  expect(madeBy("ann")).toEqual(made);
  expect(madeBy(null)).toBeNull();
  forgetMade("another");
  expect(madeBy("ann")).toEqual(made);
  forgetMade("one");
  expect(madeBy("ann")).toBeNull();
});

it("is an obstacle to what its flights, or the number of holds, refuse", () => {
  const refusal = (code: string, more = {}) => new Problem({ status: 409, code, title: "", detail: "", ...more });
  const same = { flight_ids: ["AI2"], weight_kg: 700 };
  const other = { flight_ids: ["AI3"], weight_kg: 700 };
  expect(isObstacle(made, same, refusal("capacity_exceeded"))).toBe(true);
  expect(isObstacle(made, other, refusal("capacity_exceeded"))).toBe(false);
  expect(isObstacle(made, other, refusal("hold_limit_exceeded", { limit: "active" }))).toBe(true);
  expect(isObstacle(made, other, refusal("hold_limit_exceeded", { limit: "flight_share" }))).toBe(false);
  expect(isObstacle(made, same, refusal("embargoed"))).toBe(false);
});
