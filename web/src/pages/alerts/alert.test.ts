import { describe, expect, it } from "vitest";
import type { Asked } from "../search/asked";
import { newAlertAddress } from "./address";
import { bodyOf, changeOf, datesText, draftFrom, draftOf, kindIn, searchOf, targetText, type Alert } from "./alert";

const asked: Asked = {
  origin: "DEL",
  destination: "LHR",
  date: "2026-12-02",
  pieces: "2",
  weight: "300",
  volume: "1.5",
  handling: "PER",
  sizes: "",
};
const price = { amount: "450.00", currency: "USD" };
const addressedDraft = (address: string, unit: "kg" | "lb" = "kg") =>
  draftOf(new URL(address, "http://any").searchParams, unit);

describe("an alert that a search leads to", () => {
  it("is about its lane, date and freight", () => {
    expect(bodyOf(addressedDraft(newAlertAddress("SPACE", asked)), "kg")).toEqual({
      kind: "SPACE",
      origin: "DEL",
      destination: "LHR",
      date_from: "2026-12-02",
      date_to: "2026-12-02",
      weight_kg: 300,
      volume_m3: 1.5,
      special_handling_codes: ["PER"],
    });
  });
  it("has the dimensions if it is about space, and none if it is about a price", () => {
    const sized = { ...asked, sizes: "2x60x40x40x150" };
    expect(bodyOf(addressedDraft(newAlertAddress("SPACE", sized)), "kg")).toMatchObject({
      dimensions: [{ pieces: 2, length_cm: 60, width_cm: 40, height_cm: 40, weight_kg: 150 }],
    });
    expect(newAlertAddress("PRICE", sized)).not.toContain("sizes");
    const draft = { ...addressedDraft(newAlertAddress("SPACE", sized)), kind: "PRICE" as const };
    expect(bodyOf(draft, "kg")).not.toHaveProperty("dimensions");
  });
  it("begins with a drop, and has the price for an amount", () => {
    const draft = addressedDraft(newAlertAddress("PRICE", asked, price));
    expect(bodyOf(draft, "kg")).toMatchObject({ kind: "PRICE", drop_percent: 10 });
    expect(bodyOf(draft, "kg")).not.toHaveProperty("below");
    const amount = bodyOf({ ...draft, target: "below", currency: " usd ", amount: "1,450.00" }, "kg");
    expect(amount).toMatchObject({ below: { amount: "1450", currency: "USD" } });
    expect(amount).not.toHaveProperty("drop_percent");
  });
  it("has its weight in the unit of the account", () => {
    const draft = addressedDraft(newAlertAddress("SPACE", { ...asked, weight: "453.6" }), "lb");
    expect(draft.weight).toBe("1000");
    expect(bodyOf(draft, "lb")).toMatchObject({ weight_kg: 453.6 });
  });
  it("looks at the next 30 days without dates, and leaves what is no number to the API", () => {
    const draft = { ...addressedDraft("/alerts?new=PRICE"), weight: "much", percent: "x" };
    expect(bodyOf(draft, "kg")).toEqual({
      kind: "PRICE",
      origin: "",
      destination: "",
      weight_kg: "much",
      drop_percent: "x",
    });
    expect([kindIn("PRICE"), kindIn("OTHER"), kindIn(null)]).toEqual(["PRICE", null, null]);
  });
});

describe("an alert in words", () => {
  const of = { kind: "PRICE", below: null, drop_percent: null, threshold: null } as const;
  it("names its target", () => {
    expect(targetText({ ...of, kind: "SPACE" })).toBe("any space");
    expect(targetText({ ...of, below: price, threshold: price })).toMatch(/450\.00 or less$/);
    expect(targetText({ ...of, drop_percent: 10 })).toBe("10 % less");
    expect(targetText({ ...of, drop_percent: 10, threshold: price })).toMatch(/^10 % less: .*450\.00 or less$/);
  });
  it("names its dates", () => {
    expect(datesText({ date_from: "2026-12-02", date_to: "2026-12-02" })).toBe("2 Dec 2026");
    expect(datesText({ date_from: "2026-12-02", date_to: "2026-12-05" })).toBe("2 Dec 2026 – 5 Dec 2026");
    expect(datesText({ date_from: null, date_to: null })).toBe("the next 30 days");
  });
  it("leads to the search of the date that is best now, else of its first, else of another", () => {
    const alert = {
      ...{ origin: "DEL", destination: "LHR", weight_kg: 300, volume_m3: null, special_handling_codes: ["PER", "AVI"] },
      ...{ date_from: "2026-12-02", current: { departure_date: "2026-12-04", price: null, option: ["x"] } },
    } as unknown as Alert;
    const dateOf = (address: string) => new URL(address, "http://any").searchParams.get("date");
    expect(searchOf(alert, "2026-11-29")).toContain("weight=300&handling=PER%2CAVI");
    expect(dateOf(searchOf(alert, "2026-11-29"))).toBe("2026-12-04");
    expect(dateOf(searchOf({ ...alert, current: null }, "2026-11-29"))).toBe("2026-12-02");
    expect(dateOf(searchOf({ ...alert, current: null, date_from: null }, "2026-11-29"))).toBe("2026-11-29");
  });
});

describe("an alert that is changed", () => {
  const alert = {
    ...{ kind: "PRICE", origin: "DEL", destination: "LHR", date_from: "2026-12-02", date_to: "2026-12-05" },
    ...{ weight_kg: 453.6, volume_m3: 1.5, special_handling_codes: ["PER"], below: price, drop_percent: null },
  } as unknown as Alert;
  it("begins with what it is, and sends that again", () => {
    expect(changeOf(draftFrom(alert, "lb"), "lb", draftFrom(alert, "lb"))).toEqual({
      ...{ origin: "DEL", destination: "LHR", date_from: "2026-12-02", date_to: "2026-12-05", weight_kg: 453.6 },
      ...{ volume_m3: 1.5, special_handling_codes: ["PER"], below: { amount: "450", currency: "USD" } },
      drop_percent: null,
    });
  });
  it("loses what is left empty, and an amount gives way to a drop", () => {
    const draft = { ...draftFrom(alert, "kg"), from: "", to: "", volume: "", handling: "", target: "drop" as const };
    expect(changeOf({ ...draft, weight: "" }, "kg", draft)).toEqual({
      ...{ origin: "DEL", destination: "LHR", date_from: null, date_to: null, weight_kg: null, volume_m3: null },
      ...{ special_handling_codes: null, below: null, drop_percent: 10 },
    });
  });
  it("on space has no target", () => {
    const space = draftFrom({ ...alert, kind: "SPACE", below: null } as Alert, "kg");
    expect(changeOf(space, "kg", space)).not.toHaveProperty("below");
  });
  it("leaves the volume and weight of new dimensions to them, unless others are typed", () => {
    const dimensions = [{ pieces: 2, length_cm: 60, width_cm: 40, height_cm: 40, weight_kg: 150 }];
    const before = draftFrom({ ...alert, kind: "SPACE", below: null, dimensions } as unknown as Alert, "kg");
    expect(before.sizes).toBe("2x60x40x40x150");
    expect(changeOf(before, "kg", before)).toMatchObject({ dimensions, weight_kg: 453.6, volume_m3: 1.5 });
    const smaller = { ...before, sizes: "1x60x40x40x150" };
    expect(changeOf(smaller, "kg", before)).not.toHaveProperty("volume_m3");
    expect(changeOf(smaller, "kg", before)).not.toHaveProperty("weight_kg");
    expect(changeOf({ ...smaller, volume: "2" }, "kg", before)).toMatchObject({ volume_m3: 2 });
    expect(changeOf({ ...smaller, weight: "" }, "kg", before)).not.toHaveProperty("weight_kg");
    const bare = { ...before, sizes: "1x60x40x40" };
    expect(changeOf(bare, "kg", before)).not.toHaveProperty("weight_kg");
    expect(changeOf({ ...bare, weight: " " }, "kg", before)).toMatchObject({ weight_kg: null });
    expect(changeOf({ ...before, sizes: "" }, "kg", before)).toMatchObject({ dimensions: null, volume_m3: 1.5 });
  });
});
