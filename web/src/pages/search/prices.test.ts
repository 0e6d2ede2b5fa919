import { describe, expect, it, vi } from "vitest";
import type { Asked } from "./asked";
import { addMonths, monthPricesAddress, onlyCurrency, shortPrice, weeksOf } from "./calendar";
import type { Day } from "./days";
import { DayPrices, pricesAddress } from "./prices";

const asked: Asked = {
  origin: "DEL",
  destination: "LHR",
  date: "2026-12-02",
  pieces: "",
  weight: "300",
  volume: "",
  sizes: "",
  handling: "PER",
};
const day = (departure_date: string, price: Day["price"]): Day => ({
  departure_date,
  options: 1,
  bookable: 1,
  best_arrival_datetime: null,
  available: null,
  utilization_percent: null,
  ...(price === undefined ? {} : { price }),
});
const query = (address: string | null) => Object.fromEntries(new URL(address ?? "", "http://any").searchParams);

describe("what prices are asked for", () => {
  it("asks for the days that are not over, at the origin", () => {
    expect(query(pricesAddress(asked, "2026-12-01", 7, "2026-12-03"))).toEqual({
      origin: "DEL",
      destination: "LHR",
      from: "2026-12-03",
      days: "5",
      price: "true",
      weight_kg: "300",
      special_handling_codes: "PER",
    });
    expect(query(pricesAddress(asked, "2026-12-28", 7, "2026-12-03"))).toMatchObject({ from: "2026-12-28", days: "7" });
  });
  it("asks for none without a weight, nor for days that are over", () => {
    expect(pricesAddress({ ...asked, weight: " " }, "2026-12-01", 7, "2026-12-03")).toBeNull();
    expect(pricesAddress(asked, "2026-11-20", 7, "2026-12-03")).toBeNull();
    expect(pricesAddress(asked, "", 7, "2026-12-03")).toBeNull();
    expect(monthPricesAddress(asked, "2026-11", "2026-12-01")).toBeNull();
  });
  it("asks for a month by its name", () => {
    expect(query(monthPricesAddress(asked, "2026-12", "2026-12-31"))).toMatchObject({
      month: "2026-12",
      price: "true",
    });
  });
});

describe("prices that were read", () => {
  it("are asked for once, and again when they are old", async () => {
    let now = 0;
    const ask = vi.fn(() => Promise.resolve([day("2026-12-02", null)]));
    const prices = new DayPrices(ask, () => now);
    const first = prices.read("/a");
    expect(prices.read("/a")).toBe(first);
    await first;
    now = 299_999;
    await prices.read("/a");
    expect(ask).toHaveBeenCalledTimes(1);
    await prices.read("/b");
    now = 300_000;
    await prices.read("/a");
    expect(ask.mock.calls).toEqual([["/a"], ["/b"], ["/a"]]);
  });
  it("are asked for again after a failure", async () => {
    const ask = vi.fn<() => Promise<Day[]>>().mockRejectedValueOnce(new Error("away")).mockResolvedValue([]);
    const prices = new DayPrices(ask, () => 0);
    await expect(prices.read("/a")).rejects.toThrow("away");
    expect(await prices.read("/a")).toEqual([]);
  });
});

describe("a month", () => {
  it("has weeks from Monday", () => {
    const weeks = weeksOf("2026-12");
    expect(weeks).toHaveLength(5);
    expect(weeks[0]).toEqual([
      null,
      "2026-12-01",
      "2026-12-02",
      "2026-12-03",
      "2026-12-04",
      "2026-12-05",
      "2026-12-06",
    ]);
    expect(weeks[4]).toEqual(["2026-12-28", "2026-12-29", "2026-12-30", "2026-12-31", null, null, null]);
    // It begins on a Monday and ends on a Sunday.
    expect(weeksOf("2027-02").flat()).not.toContain(null);
    expect(weeksOf("2026-11").flat().filter(Boolean)).toHaveLength(30);
  });
  it("is followed by others over years", () => {
    expect(addMonths("2026-12", 1)).toBe("2027-01");
    expect(addMonths("2027-01", -1)).toBe("2026-12");
  });
});

it("names the currency of all prices once, if there is one", () => {
  const usd = { amount: "10.00", currency: "USD" };
  expect(onlyCurrency([day("2026-12-01", usd), day("2026-12-02", null), day("2026-12-03", undefined)])).toBe("USD");
  expect(onlyCurrency([day("2026-12-01", usd), day("2026-12-02", { amount: "9", currency: "JPY" })])).toBeNull();
  expect(onlyCurrency([])).toBeNull();
});

it("writes a price in little room, never below what it is", () => {
  expect(shortPrice({ amount: "99.50", currency: "USD" })).toBe("99.50");
  expect(shortPrice({ amount: "1234.05", currency: "USD" })).toBe("1,235");
  expect(shortPrice({ amount: "84", currency: "JPY" })).toBe("84");
});
