import { describe, expect, it } from "vitest";
import {
  bookedOrigins,
  chargeName,
  commonFlight,
  dues,
  firstEnd,
  heldMasters,
  heldWays,
  isOwner,
  mayChange,
  membershipOf,
  organizationName,
  statusAt,
  sumOf,
  sumsByOrigin,
  type Combination,
  type Consolidation,
  type Master,
  type Part,
  type Split,
} from "./consolidation";

const part = (given: Partial<Part>) =>
  ({ origin: "DEL", pieces: 1, weight_kg: 0.1, volume_m3: 0.1, status: "READY", ...given }) as Part;
const of = {
  status: "PLANNING",
  members: [
    { organization_id: "a", name: "Alpha", role: "OWNER", status: "ACCEPTED" },
    { organization_id: "b", name: "Beta", role: "MEMBER", status: "ACCEPTED" },
    { organization_id: "c", name: "Gamma", role: "MEMBER", status: "DECLINED" },
  ],
} as Consolidation;

describe("the members of a consolidation", () => {
  it("are those that have accepted; one is the owner", () => {
    expect(membershipOf(of, "b")?.name).toBe("Beta");
    expect([membershipOf(of, "c"), membershipOf(of, undefined)]).toEqual([null, null]);
    expect(["a", "b", "c"].map((id) => isOwner(of, id))).toEqual([true, false, false]);
    expect(["b", "z"].map((id) => organizationName(of, id))).toEqual(["Beta", "z"]);
  });
  it("change their own parts, and the owner all, until it is cancelled", () => {
    const own = part({ organization_id: "b" });
    expect(["a", "b", "c", "z"].map((id) => mayChange(of, own, id))).toEqual([true, true, false, false]);
    expect(mayChange(of, part({ organization_id: "a" }), "b")).toBe(false);
    expect(mayChange({ ...of, status: "CANCELLED" }, own, "a")).toBe(false);
  });
});

describe("masters", () => {
  const master = (status: string, expires_at: string | null) => ({ status, expires_at }) as Master;
  it("end with the first hold", () => {
    const masters = [
      master("HELD", "2026-12-01T10:15:00Z"),
      master("BOOKED", null),
      master("HELD", "2026-12-01T11:10:00+01:00"),
    ];
    const at = (time: string) => heldMasters({ ...of, masters }, Date.parse(time)).length;
    expect([at("2026-12-01T10:09:59Z"), at("2026-12-01T10:10:00Z"), at("2026-12-01T10:15:00Z")]).toEqual([2, 1, 0]);
    expect(masters.map((master) => statusAt(master, Date.parse("2026-12-01T10:12:00Z")))).toEqual([
      ...["HELD", "BOOKED", "EXPIRED"],
    ]);
    expect(firstEnd(masters)).toBe("2026-12-01T11:10:00+01:00");
    expect(firstEnd([master("BOOKED", null)])).toBeNull();
  });
});

describe("sums", () => {
  it("are of each origin, of parts in a state, without binary fractions", () => {
    const parts = [
      part({ origin: "MAA" }),
      part({ weight_kg: 0.2, volume_m3: 0.2, pieces: 2 }),
      part({}),
      part({ status: "WITHDRAWN", weight_kg: 500 }),
      part({ status: "DRAFT", pieces: 4 }),
    ];
    expect(sumsByOrigin(parts, ["READY"])).toEqual([
      { origin: "DEL", parts: 2, pieces: 3, weight_kg: 0.3, volume_m3: 0.3 },
      { origin: "MAA", parts: 1, pieces: 1, weight_kg: 0.1, volume_m3: 0.1 },
    ]);
    expect(sumsByOrigin(parts, ["READY", "DRAFT"])[0]).toMatchObject({ parts: 3, pieces: 7, weight_kg: 0.4 });
  });
  it("of money are exact, below zero, and without decimals", () => {
    const usd = (amount: string) => ({ amount, currency: "USD" });
    expect(sumOf([usd("33.34"), usd("33.33"), usd("33.33")])).toEqual(usd("100.00"));
    expect(sumOf([usd("0.10"), usd("-0.15")])).toEqual(usd("-0.05"));
    expect(sumOf([usd("90071992547409.93"), usd("0.01")])).toEqual(usd("90071992547409.94"));
    expect(
      sumOf([
        { amount: "12345", currency: "JPY" },
        { amount: "5", currency: "JPY" },
      ])?.amount,
    ).toBe("12350");
    expect(sumOf([])).toBeNull();
  });
  it("of shares are what each organization pays, by currency", () => {
    const share = (organization_id: string, amount: string, currency = "USD") => ({
      part_id: "p",
      organization_id,
      amount: { amount, currency },
    });
    const line = (...shares: ReturnType<typeof share>[]) => ({ shares });
    const split = {
      masters: [
        { lines: [line(share("b", "66.67"), share("a", "33.33")), line(share("b", "-1.00"))] },
        { lines: [line(share("a", "100", "JPY"))] },
      ],
    } as unknown as Split;
    expect(dues(split)).toEqual([
      { organization_id: "b", amounts: [{ amount: "65.67", currency: "USD" }] },
      {
        organization_id: "a",
        amounts: [
          { amount: "100", currency: "JPY" },
          { amount: "33.33", currency: "USD" },
        ],
      },
    ]);
  });
});

describe("a line of a split", () => {
  it("is called by its code, or by what it is", () => {
    const texts = { discount: "Discount", refund: "Refund", cancellationFee: "Fee", changeFee: "Kept" };
    const names = ["MYC", null, "REFUND", "CANCELLATION_FEE", "CHANGE_FEE"].map((code) => chargeName(code, texts));
    expect(names).toEqual(["MYC", "Discount", "Refund", "Fee", "Kept"]);
  });
});

describe("a combination", () => {
  const found = {
    common_flight: "2",
    ways: [
      {
        origin: "DEL",
        flights: [
          { id: "1", flight_number: "AI1" },
          { id: "2", flight_number: "AI2" },
        ],
      },
      { origin: "BOM", flights: [{ id: "2", flight_number: "AI2" }] },
    ],
  } as unknown as Combination;
  it("names the flight that all share, and what is held of it", () => {
    expect(commonFlight(found)).toBe("AI2");
    expect(commonFlight({ ...found, common_flight: null })).toBeNull();
    expect(heldWays(found, [])).toEqual([
      { origin: "DEL", flight_ids: ["1", "2"] },
      { origin: "BOM", flight_ids: ["2"] },
    ]);
    const masters = [
      { origin: "BOM", status: "BOOKED" },
      { origin: "DEL", status: "HELD" },
    ] as Master[];
    expect(heldWays(found, bookedOrigins({ ...of, masters }))).toEqual([{ origin: "DEL", flight_ids: ["1", "2"] }]);
  });
});
