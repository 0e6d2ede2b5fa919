import { beforeEach, describe, expect, it, vi } from "vitest";
import { api, raw } from "../../api/client";
import { Problem, type Schemas } from "../../api/problem";
import { againFor } from "../../parts/again";
import { contentOf, factsOf, isTaken, laneText, nameFor, prepareUse, type Template } from "./template";

vi.mock("../../api/client", async (original) => ({
  ...(await original<typeof import("../../api/client")>()),
  api: { GET: vi.fn() },
  raw: vi.fn(),
}));
type Mock = ReturnType<typeof vi.fn>;
const read = raw as unknown as Mock;

const SHIPPER = { name: "Sole", account_number: null, city: "Kochi" };
const booking = {
  ...{ ref_id: "LM1", origin: "DEL", destination: "LHR", pieces: 3, weight_kg: 1200.5, volume_m3: 0.9 },
  ...{ special_handling_codes: ["PER", "AVI"], description: "Electronics\nin boxes", awb_number: "098-12345675" },
  ...{ customer_reference: "PO 17", shipper: SHIPPER, consignee: null, price: { quote_id: "q" } },
} as unknown as Schemas["Booking"];

const template: Template = {
  ...{ id: "t", name: "Roses", origin: "DEL", destination: "LHR", weight_kg: 500.5, pieces: 10, volume_m3: 3.125 },
  ...{ description: "Roses", special_handling_codes: ["PER", "COL"], product: "EXPRESS", shipper: SHIPPER },
  ...{ dimensions: null, consignee: { name: "Nordwerk" }, created_at: "", updated_at: "", version: 1 },
};
const OPEN: Template = {
  ...template,
  ...{ origin: null, destination: null, weight_kg: null, pieces: null, volume_m3: null, product: null },
  special_handling_codes: [],
};

beforeEach(() => {
  const kept = new Map<string, string>();
  vi.stubGlobal("sessionStorage", {
    getItem: (name: string) => kept.get(name) ?? null,
    setItem: (name: string, value: string) => kept.set(name, value),
    removeItem: (name: string) => kept.delete(name),
  });
  (api.GET as unknown as Mock).mockResolvedValue({
    data: { iata_code: "DEL", time_zone: "Asia/Kolkata" },
    response: new Response(null, { status: 200 }),
  });
  read.mockReset();
  read.mockResolvedValue(Response.json([{ departure_date: "2026-12-03", bookable: 1 }]));
});

describe("what is kept of a booking", () => {
  it("is what it has of the members of a template, and no reference, air waybill or price", () => {
    expect(contentOf(booking, "ROSES")).toEqual({
      ...{ origin: "DEL", destination: "LHR", weight_kg: 1200.5, pieces: 3, volume_m3: 0.9 },
      ...{ description: "Electronics\nin boxes", special_handling_codes: ["PER", "AVI"], product: "ROSES" },
      shipper: SHIPPER,
    });
  });

  it("has the dimensions, which a search by the template has again", async () => {
    const line = { pieces: 3, length_cm: 60, width_cm: 40, height_cm: 40, is_tiltable: false, is_stackable: true };
    const dimensions = [{ ...line, weight_kg: null }];
    const content = contentOf({ ...booking, dimensions }, null);
    expect(content.dimensions).toEqual(dimensions);
    expect(factsOf(content)).toContainEqual({ name: "Dimensions", text: "3 × 60 × 40 × 40 cm" });
    expect(await prepareUse({ ...template, dimensions }, "ann")).toContain("sizes=3x60x40x40");
  });

  it("is nothing of what is not entered, and no product where none is chosen", () => {
    const bare = { ...booking, pieces: null, description: null, special_handling_codes: [], shipper: null };
    const { origin, destination, weight_kg, volume_m3 } = booking;
    for (const product of [null, "GENERAL"])
      expect(contentOf(bare, product)).toEqual({ origin, destination, weight_kg, volume_m3 });
  });

  it("is named to the reader", () => {
    const facts = factsOf(contentOf(booking, "ROSES")).map(({ name, text }) => `${name}: ${text}`);
    expect(facts).toEqual([
      "Route: DEL – LHR",
      "Weight: 1,200.5 kg",
      "Pieces: 3",
      "Volume: 0.9 m³",
      "Contents: Electronics\nin boxes",
      "Handling: PER, AVI",
      "Product: ROSES",
      "Shipper: Sole",
    ]);
    expect(factsOf({})).toEqual([]);
  });

  it("is named as it was typed where it is no figure, or has no name", () => {
    const typed = { pieces: "three" as unknown as number, consignee: { name: null, city: "Kiel" } } as unknown;
    expect(factsOf(typed as Parameters<typeof factsOf>[0]).map(({ text }) => text)).toEqual([
      "three",
      "Without a name",
    ]);
  });
});

it.each([
  [{ origin: "DEL", destination: "LHR", description: "Electronics" }, "DEL–LHR Electronics"],
  [{ origin: "DEL", destination: "LHR", description: " Electronics \nin boxes" }, "DEL–LHR Electronics"],
  [{ origin: "DEL", destination: "LHR" }, "DEL–LHR"],
  [{ description: "Electronics" }, "Electronics"],
  [{}, ""],
  [{ origin: "DEL", destination: "LHR", description: `${"x".repeat(51)} more` }, `DEL–LHR ${"x".repeat(51)}`],
  [{ origin: "DEL", destination: "LHR", description: "📦".repeat(60) }, `DEL–LHR ${"📦".repeat(52)}`],
])("the name %j → %s", (content, name) => {
  expect(nameFor(content)).toBe(name);
});

it("a lane shows what is open", () => {
  expect(laneText(template)).toBe("DEL – LHR");
  expect(laneText({ origin: "DEL", destination: null })).toBe("DEL – …");
  expect(laneText({ origin: null, destination: "LHR" })).toBe("… – LHR");
  expect(laneText(OPEN)).toBe("–");
});

it("a name that is taken is told from other refusals", () => {
  const refusal = (code: string) => new Problem({ status: 409, code, title: "", detail: "" });
  expect(isTaken(refusal("already_exists"))).toBe(true);
  expect(isTaken(refusal("limit_reached"))).toBe(false);
  expect(isTaken(null)).toBe(false);
});

describe("a template that is used", () => {
  const lane = new URLSearchParams("origin=DEL&destination=LHR&again=1");

  it("searches for its lane and freight on the first day on which it can be booked, and names nothing else in the address", async () => {
    expect(await prepareUse(template, "ann")).toBe(
      "/?origin=DEL&destination=LHR&date=2026-12-03&pieces=10&weight=500.5&volume=3.125&handling=PER%2CCOL&again=1",
    );
    expect(againFor("ann", lane)).toEqual({
      ...{ person: "ann", origin: "DEL", destination: "LHR", description: "Roses", product: "EXPRESS" },
      ...{ shipper: SHIPPER, consignee: { name: "Nordwerk" }, contact: null },
    });
    expect(againFor("ben", lane)).toBeNull();
  });

  it("has no product where the one without a name is meant", async () => {
    await prepareUse({ ...template, product: "GENERAL" }, "ann");
    expect(againFor("ann", lane)?.product).toBeNull();
  });

  it("opens the search with what is there, and is of each lane where it has none", async () => {
    expect(await prepareUse(OPEN, "ann")).toBe("/?again=1");
    expect(read).not.toHaveBeenCalled();
    expect(againFor("ann", lane)?.shipper).toEqual(SHIPPER);
    expect(await prepareUse({ ...OPEN, origin: "DEL", pieces: 2 }, "ann")).toBe("/?origin=DEL&pieces=2&again=2");
    expect(againFor("ann", new URLSearchParams("origin=DEL&destination=LHR&again=2"))?.shipper).toEqual(SHIPPER);
    expect(againFor("ann", new URLSearchParams("origin=BOM&destination=LHR&again=2"))).toBeNull();
  });

  it("without a weight counts the days of its lane", async () => {
    expect(await prepareUse({ ...OPEN, origin: "DEL", destination: "LHR" }, "ann")).toBe(
      "/?origin=DEL&destination=LHR&date=2026-12-03&again=1",
    );
    const asked = new URL(String(read.mock.lastCall?.[0]), "http://x").searchParams;
    expect([asked.get("weight_kg"), asked.get("pieces")]).toEqual([null, null]);
  });
});
