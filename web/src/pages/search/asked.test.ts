import { afterEach, expect, it } from "vitest";
import { followWeightUnit } from "../../words/units";
import { askedOf, bookAddress, canonicalOf, fromHome, measured, quoteBody, resultOf, searchBody, shown } from "./asked";

afterEach(() => followWeightUnit(() => "kg"));

const asked = askedOf(
  new URLSearchParams("origin=del&destination=LHR&date=2026-12-02&weight=1200.5&handling=per%20avi"),
  "2026-12-01",
);

it("asks for what the address says, in every language", () => {
  expect(searchBody(asked)).toEqual({
    origin: "DEL",
    destination: "LHR",
    departure_date: "2026-12-02",
    weight_kg: 1200.5,
    special_handling_codes: ["PER", "AVI"],
    price: true,
  });
  // Not guessed: the API names the field.
  expect(searchBody({ ...asked, weight: "1,200" }).weight_kg).toBe("1,200");
});

it("begins at the home airport of the account where no origin is named", () => {
  const empty = askedOf(new URLSearchParams("destination=LHR"), "2026-12-01");
  expect(fromHome(empty, "BOM")).toEqual({ ...empty, origin: "BOM" });
  expect(fromHome(empty, "")).toEqual(empty);
  expect(fromHome(asked, "BOM")).toEqual(asked);
});

it("takes the result of one leg, and refuses that of several", () => {
  const one = { origin: "DEL", direct_flights: [] } as unknown as Parameters<typeof resultOf>[0];
  expect(resultOf(one)).toBe(one);
  expect(() => resultOf({ legs: [] })).toThrow(TypeError);
});

it("writes addresses in one form, and comes back from the fields unchanged", () => {
  expect(canonicalOf({ ...asked, weight: "1,200", pieces: "2", handling: "per; avi" })).toMatchObject({
    weight: "1200",
    pieces: "2",
    volume: "",
    handling: "PER,AVI",
  });
  expect(canonicalOf(shown(asked))).toEqual({ ...asked, handling: "PER,AVI" });
});

it("asks for a quote for the flights of an option from end to end, and for none without a weight", () => {
  const flights = [
    { id: "f1", origin: "DEL", destination: "BOM" },
    { id: "f2", origin: "BOM", destination: "LHR" },
  ];
  expect(quoteBody({ ...asked, volume: "6.5" }, flights)).toEqual({
    origin: "DEL",
    destination: "LHR",
    flight_ids: ["f1", "f2"],
    weight_kg: 1200.5,
    volume_m3: 6.5,
    special_handling_codes: ["PER", "AVI"],
  });
  expect(quoteBody({ ...asked, weight: "" }, flights)).toBeNull();
  expect(quoteBody(asked, [])).toBeNull();
});

it("writes kilograms, whatever the unit of the fields", () => {
  followWeightUnit(() => "lb");
  const pounds = { ...asked, weight: "1,000", handling: "PER,AVI" };
  expect(canonicalOf(pounds).weight).toBe("453.6");
  expect(searchBody(canonicalOf(pounds)).weight_kg).toBe(453.6);
  expect(shown(canonicalOf(pounds)).weight).toBe("1000");
  expect(canonicalOf(shown(asked))).toEqual({ ...asked, handling: "PER,AVI" });
});

it("books an option of a booking that is made again as such, and any other as one of its own", () => {
  expect(bookAddress(asked, ["f1"], "1")).toMatch(/^\/book\?flights=f1&again=1&origin=DEL/);
  expect(bookAddress(asked, ["f1"], null)).not.toContain("again");
});

it("has the weight and the volume of the dimensions where none are named", () => {
  const sized = { ...asked, weight: "", sizes: "4x120x80x100x50" };
  expect(measured(sized)).toMatchObject({ weight: "200", volume: "3.84" });
  expect(quoteBody(measured(sized), [{ id: "f1", origin: "DEL", destination: "LHR" }])?.weight_kg).toBe(200);
  expect(measured({ ...sized, weight: "199", volume: "5" })).toMatchObject({ weight: "199", volume: "5" });
  expect(measured({ ...sized, sizes: "4x120x80x100" }).weight).toBe("");
});
