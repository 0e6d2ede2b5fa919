import { expect, it } from "vitest";
import type { Asked } from "./asked";
import { carriersOf, comparedCurrency, filtersOf, instant, instantText, outdated, passing } from "./filters";
import type { Option } from "./options";

const option = (key: string, airlines: string[], amount: string | null, currency = "USD", arrival = 12): Option =>
  ({
    key,
    stops: airlines.length - 1,
    flights: airlines.map((code) => ({ airline_code: code, airline_name: code === "AI" ? "Air India" : null })),
    price: amount === null ? null : { total: { amount, currency } },
    arrival: `2026-12-02T${arrival}:00:00Z`,
  }) as unknown as Option;
const all = [
  option("direct", ["AI"], "100.00"),
  option("mixed", ["AI", "BA"], "90.00", "USD", 18),
  option("unpriced", ["BA"], null),
  option("euro", ["BA"], "10.00", "EUR"),
];
const keys = (query: string, currency = "USD") =>
  passing(all, filtersOf(new URLSearchParams(query)), currency).map(({ key }) => key);

it("shows the options that pass every filter of the address", () => {
  expect(keys("")).toHaveLength(4);
  expect(keys("carrier=ai")).toEqual(["direct"]);
  expect(keys("direct=true")).toEqual(["direct", "unpriced", "euro"]);
  expect(keys("arrive_before=2026-12-02T18:00:00Z")).toEqual(["direct", "unpriced", "euro"]);
  expect(keys("carrier=BA&direct=true&max_price=10", "EUR")).toEqual(["euro"]);
});

it("compares prices of one currency only", () => {
  expect(comparedCurrency(all)).toBe("EUR");
  expect(keys("max_price=99.5")).toEqual(["mixed"]);
  expect(comparedCurrency([all[2] as Option])).toBe("");
  // Without any price there is none to compare.
  expect(keys("max_price=1", "")).toHaveLength(4);
});

it("takes figures and instants of an address in one form, and guesses no other", () => {
  expect(keys("max_price=1,000")).toHaveLength(4);
  expect(keys("arrive_before=2026-12-02T18:00")).toHaveLength(4);
  expect(instant("2026-13-02T18:00:00Z")).toBeNull();
  expect(instantText("2026-12-02T18:00:00.000Z")).toBe("2026-12-02T18:00:00Z");
  expect(instantText(null)).toBeNull();
});

it("names each airline once, by its code", () => {
  expect(carriersOf(all)).toEqual([
    { value: "AI", label: "AI · Air India" },
    { value: "BA", label: "BA" },
  ]);
});

it("keeps the filters that mean something for the next search", () => {
  const asked = { origin: "DEL", destination: "LHR", date: "2026-12-02" } as Asked;
  expect(outdated(asked, { ...asked })).toEqual({});
  for (const name of ["weight", "volume", "pieces", "handling"] as const)
    expect(outdated(asked, { ...asked, [name]: "5" })).toEqual({ max_price: null });
  expect(outdated(asked, { ...asked, date: "2026-12-03" })).toEqual({ arrive_before: null });
  expect(outdated(asked, { ...asked, origin: "BOM" })).toEqual({
    ...{ carrier: null, max_price: null, arrive_before: null },
    // Another lane is not that of the booking that was to be made again.
    again: null,
  });
});

it("keeps the mark of a template whose lane was open until an airport of it is replaced", () => {
  const asked = { origin: "", destination: "LHR", date: "2026-12-02" } as Asked;
  const gone = { carrier: null, max_price: null, arrive_before: null };
  expect(outdated(asked, { ...asked, origin: "DEL" })).toEqual(gone);
  expect(outdated({ ...asked, destination: "" }, { ...asked, origin: "DEL" })).toEqual(gone);
  expect(outdated(asked, { ...asked, origin: "DEL", destination: "CDG" })).toEqual({ ...gone, again: null });
  expect(outdated({ ...asked, origin: "DEL" }, asked)).toEqual({ ...gone, again: null });
});
