import { expect, it } from "vitest";
import { explained, mayWait, orderOf, orderText, perUnit, sorted, tightest, type Option } from "./options";

const NOW = Date.parse("2026-12-02T08:00:00Z");
const option = (reasons: string[], flight: object = {}): Option =>
  ({
    reasons,
    flights: [
      {
        status: "SCHEDULED",
        cutoff_datetime: "2026-12-02T10:00:00Z",
        capacity: { weight_kg: 1000, volume_m3: 6, positions: 0 },
        ...flight,
      },
    ],
  }) as unknown as Option;

it("offers to wait where room alone is missing", () => {
  expect(mayWait(option(["weight_exceeded"]), { weight_kg: 500 }, NOW, 30)).toBe(true);
  expect(mayWait(option([]), { weight_kg: 500 }, NOW, 30)).toBe(false);
  expect(mayWait(option(["weight_exceeded", "embargoed"]), { weight_kg: 500 }, NOW, 30)).toBe(false);
});

it("offers no waiting for what the flight cannot hold, or when nothing is offered any more", () => {
  expect(mayWait(option(["weight_exceeded"]), { weight_kg: 1001 }, NOW, 30)).toBe(false);
  // 999 kg take 5.995 m³ unless another volume is given.
  expect(mayWait(option(["weight_exceeded"]), { weight_kg: 999 }, NOW, 30)).toBe(true);
  expect(mayWait(option(["volume_exceeded"]), { weight_kg: 500, volume_m3: 7 }, NOW, 30)).toBe(false);
  expect(mayWait(option(["weight_exceeded"], { status: "CANCELLED" }), { weight_kg: 500 }, NOW, 30)).toBe(false);
  const late = { cutoff_datetime: "2026-12-02T08:20:00Z" };
  expect(mayWait(option(["weight_exceeded"], late), { weight_kg: 500 }, NOW, 30)).toBe(false);
  expect(mayWait(option(["weight_exceeded"], late), { weight_kg: 500 }, NOW, 15)).toBe(true);
});

it("leaves pieces that are too large to the sentence about them", () => {
  expect(explained(option(["too_large", "embargoed"], { flight_number: "AI102" }), {}, NOW)).toEqual([
    "AI102 does not carry this cargo: an embargo applies.",
  ]);
});

const priced = (key: string, amount: string | null, more: object = {}): Option =>
  ({
    key,
    bookable: true,
    stops: 0,
    minutes: 60,
    arrival: "2026-12-02T10:00:00Z",
    flights: [],
    price: amount === null ? null : { total: { amount, currency: "USD" } },
    ...more,
  }) as unknown as Option;

it("orders by a column in both directions: what cannot be booked last, then what has no price", () => {
  const all = [
    priced("refused", "1.00", { bookable: false }),
    priced("none", null),
    priced("dear", "1000.00"),
    priced("euro", "5.00", { price: { total: { amount: "5.00", currency: "EUR" } } }),
    priced("cheap", "900.00"),
  ];
  const keys = (order: string) => sorted(all, orderOf(order)).map(({ key }) => key);
  expect(keys("price")).toEqual(["euro", "cheap", "dear", "none", "refused"]);
  expect(keys("-price")).toEqual(["euro", "dear", "cheap", "none", "refused"]);
});

it("orders by emissions: options without an estimate last in both directions", () => {
  const emitting = (key: string, co2e_kg: number | null) =>
    priced(key, null, { emissions: co2e_kg === null ? null : { co2e_kg } });
  const all = [emitting("none", null), emitting("much", 5111.3), emitting("little", 900)];
  const keys = (order: string) => sorted(all, orderOf(order)).map(({ key }) => key);
  expect(keys("emissions")).toEqual(["little", "much", "none"]);
  expect(keys("-emissions")).toEqual(["much", "little", "none"]);
});

it("reads the order of an address, and falls back to the earliest arrival", () => {
  expect(orderText(orderOf("-room"))).toBe("-room");
  expect(orderText(orderOf(null))).toBe("arrival");
  expect(orderText(orderOf("toString"))).toBe("arrival");
});

it("prices a kilogram with the decimals of the currency", () => {
  expect(perUnit({ amount: "1950.00", currency: "USD" }, 500)).toEqual({ amount: "3.90", currency: "USD" });
  expect(perUnit({ amount: "1200", currency: "JPY" }, 500)).toEqual({ amount: "2", currency: "JPY" });
  expect(perUnit({ amount: "1.00", currency: "USD" }, 0)).toBeNull();
});

it("shows the room that decides: the fullest dimension of the fullest flight", () => {
  const capacity = { weight_kg: 1000, volume_m3: 10, positions: 0 };
  const flights = [
    { capacity, available: { weight_kg: 200, volume_m3: 9, positions: 0 } },
    { capacity, available: { weight_kg: 900, volume_m3: 1, positions: 0 } },
  ];
  expect(tightest({ flights } as unknown as Option)).toMatchObject({ dimension: "volume_m3", left: "1 m³" });
});
