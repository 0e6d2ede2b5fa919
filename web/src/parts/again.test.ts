import { beforeEach, expect, it, vi } from "vitest";
import { againFor, forgetAgain, keepAgain, type Again } from "./again";

const again: Again = {
  ...{ person: "ann", origin: "DEL", destination: "LHR", description: "Shoes" },
  ...{ shipper: { name: "Sole" }, consignee: null, contact: null, product: null },
};

const of = (origin: string, destination: string, more: Record<string, string> = { again: "1" }) =>
  new URLSearchParams({ origin, destination, ...more });

beforeEach(() => {
  const kept = new Map<string, string>();
  vi.stubGlobal("sessionStorage", {
    getItem: (name: string) => kept.get(name) ?? null,
    setItem: (name: string, value: string) => kept.set(name, value),
    removeItem: (name: string) => kept.delete(name),
  });
});

it("keeps a booking for its lane, and for the person who chose it", () => {
  keepAgain(again);
  expect(againFor("ann", of("DEL", "LHR"))).toEqual(again);
  expect(againFor("ann", of("DEL", "CDG"))).toBeNull();
  expect(againFor("ann", of("LHR", "DEL"))).toBeNull();
  expect(againFor("ben", of("DEL", "LHR"))).toBeNull();
  expect(againFor(null, of("DEL", "LHR"))).toBeNull();
});

it("keeps a template without an airport for each lane that has the other one", () => {
  keepAgain({ ...again, destination: null });
  expect(againFor("ann", of("DEL", "CDG"))?.description).toBe("Shoes");
  expect(againFor("ann", of("BOM", "CDG"))).toBeNull();
  const second = { again: keepAgain({ ...again, origin: null, destination: null }) };
  expect(againFor("ann", of("BOM", "CDG", second))?.description).toBe("Shoes");
  expect(againFor("ann", of("BOM", "CDG", {}))).toBeNull();
  expect(againFor("ben", of("BOM", "CDG", second))).toBeNull();
});

it("gives nothing to a booking of the same lane that is not made again", () => {
  keepAgain(again);
  expect(againFor("ann", of("DEL", "LHR", {}))).toBeNull();
});

it("keeps what was chosen by its mark, also when something else is chosen for the same lane, until it is forgotten", () => {
  const marks = ["Shoes", "Hats"].map((description) => keepAgain({ ...again, description }));
  const found = () => marks.map((mark) => againFor("ann", of("DEL", "LHR", { again: mark }))?.description);
  expect(found()).toEqual(["Shoes", "Hats"]);
  for (let more = 0; more < 4; more++) keepAgain(again);
  expect(found()).toEqual([undefined, "Hats"]);
  forgetAgain();
  expect(found()).toEqual([undefined, undefined]);
  // No mark is given twice.
  expect(marks).not.toContain(keepAgain(again));
});
