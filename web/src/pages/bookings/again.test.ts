import { beforeEach, expect, it, vi } from "vitest";
import { api, raw } from "../../api/client";
import type { Schemas } from "../../api/problem";
import { againFor } from "../../parts/again";
import { prepareAgain } from "./again";

vi.mock("../../api/client", async (original) => ({
  ...(await original<typeof import("../../api/client")>()),
  api: { GET: vi.fn() },
  raw: vi.fn(),
}));
type Mock = ReturnType<typeof vi.fn>;
const get = api.GET as unknown as Mock;
const read = raw as unknown as Mock;

const booking = {
  ...{ ref_id: "LM1", origin: "DEL", destination: "LHR", pieces: 3, weight_kg: 1200.5, volume_m3: 0.9 },
  ...{ special_handling_codes: ["PER", "AVI"], description: "Shoes", awb_number: "098-12345675" },
  ...{ customer_reference: "PO 17", shipper: { name: "Sole" }, consignee: null, price: { quote_id: "q" } },
} as unknown as Schemas["Booking"];

const lane = new URLSearchParams("origin=DEL&destination=LHR&again=1");
const CONTACTS = [
  { name: "Cy", email: null, phone: "+442079460123" },
  { name: "Bo", email: "bo@forwarder.example", phone: null },
];
const answers: Record<string, unknown> = {};
/** The status of what has no answer. */
let missing = 404;

beforeEach(() => {
  missing = 404;
  const kept = new Map<string, string>();
  vi.stubGlobal("sessionStorage", {
    getItem: (name: string) => kept.get(name) ?? null,
    setItem: (name: string, value: string) => kept.set(name, value),
    removeItem: (name: string) => kept.delete(name),
  });
  Object.assign(answers, {
    "/api/v1/bookings/{ref_id}/contacts": CONTACTS,
    "/api/v1/quotes/{id}": { product: "ROSES" },
    "/api/v1/airports/{code}": { iata_code: "DEL", time_zone: "Asia/Kolkata" },
  });
  get.mockImplementation((path: string) =>
    Promise.resolve({ data: answers[path], response: new Response(null, { status: answers[path] ? 200 : missing }) }),
  );
  read.mockResolvedValue(Response.json([{ departure_date: "2026-12-02", bookable: 0 }]));
});

it("searches for the lane and the freight, on the first day on which it can be booked", async () => {
  read.mockResolvedValue(
    Response.json([
      { departure_date: "2026-12-02", bookable: 0 },
      { departure_date: "2026-12-03", bookable: 2 },
      { departure_date: "2026-12-04", bookable: 1 },
    ]),
  );
  expect(await prepareAgain(booking, "ann")).toBe(
    "/?origin=DEL&destination=LHR&date=2026-12-03&pieces=3&weight=1200.5&volume=0.9&handling=PER%2CAVI&again=1",
  );
  const asked = new URL(String(read.mock.lastCall?.[0]), "http://x").searchParams;
  expect(Object.fromEntries(asked)).toMatchObject({
    weight_kg: "1200.5",
    special_handling_codes: "PER,AVI",
    days: "14",
  });
});

it("keeps parties, contents, contact and product, and neither air waybill, price nor reference", async () => {
  await prepareAgain(booking, "ann");
  expect(againFor("ann", lane)).toEqual({
    person: "ann",
    origin: "DEL",
    destination: "LHR",
    description: "Shoes",
    shipper: { name: "Sole" },
    consignee: null,
    contact: { name: "Bo", email: "bo@forwarder.example", phone: "" },
    product: "ROSES",
  });
});

it("keeps no product where there is none of its own, or where the quote is not the reader's", async () => {
  answers["/api/v1/quotes/{id}"] = { product: "GENERAL" };
  await prepareAgain(booking, "ann");
  expect(againFor("ann", lane)?.product).toBeNull();
  answers["/api/v1/quotes/{id}"] = undefined;
  const address = await prepareAgain(booking, "ann");
  expect(address).toMatch(/again=2$/);
  expect(againFor("ann", new URLSearchParams(address.slice(2)))?.product).toBeNull();
});

it("begins nothing if the quote cannot be read, so that no product is lost", async () => {
  answers["/api/v1/quotes/{id}"] = undefined;
  missing = 500;
  await expect(prepareAgain(booking, "ann")).rejects.toMatchObject({ status: 500 });
  expect(againFor("ann", lane)).toBeNull();
});

it("searches today if no day can be read", async () => {
  read.mockRejectedValue(new Error("away"));
  const date = new URLSearchParams((await prepareAgain(booking, "ann")).slice(2)).get("date");
  expect(date).toMatch(/^\d{4}-\d\d-\d\d$/);
  expect(date).toBe(new URL(String(read.mock.lastCall?.[0]), "http://x").searchParams.get("from"));
});
