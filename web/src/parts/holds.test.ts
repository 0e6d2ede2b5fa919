import { beforeEach, expect, test, vi } from "vitest";
import { api } from "../api/client";
import { session } from "../api/session.svelte";
import { holdAddress, holds, type Hold } from "./holds.svelte";

vi.mock("../api/client", async (original) => ({
  ...(await original<typeof import("../api/client")>()),
  api: { GET: vi.fn(), POST: vi.fn() },
}));
const get = api.GET as unknown as ReturnType<typeof vi.fn>;

const hold = (id: string, status: string, version: number, minutes = 10): Hold =>
  ({
    ...{ id, status, version, kind: "HOLD", created_by: "u" },
    expires_at: new Date(Date.now() + minutes * 60_000).toISOString(),
  }) as unknown as Hold;
const shown = () => holds.held.map(({ id, status }) => `${id} ${status}`);
const until = vi.spyOn(session, "keepGuest");

beforeEach(() => {
  for (const { id } of holds.held) holds.forget(id);
  until.mockClear();
});

test("a hold that is being paid stays in the list, once, until it is booked", () => {
  holds.learn(hold("a", "ACTIVE", 1));
  holds.learn(hold("b", "ACTIVE", 1, 5));
  holds.learn(hold("a", "COMMITTING", 2));
  expect(shown()).toEqual(["b ACTIVE", "a COMMITTING"]);
  holds.learn(hold("a", "COMMITTED", 3));
  expect(shown()).toEqual(["b ACTIVE"]);
});

test("a guest is kept while the last of its holds is being paid, and not once it is booked", () => {
  holds.learn(hold("a", "ACTIVE", 1));
  holds.learn(hold("a", "COMMITTING", 2));
  expect(until.mock.lastCall?.[0]).toBeGreaterThan(Date.now());
  holds.learn(hold("a", "COMMITTED", 3));
  expect(until.mock.lastCall).toEqual([null]);
});

test("an answer that was overtaken changes nothing", () => {
  holds.learn(hold("a", "COMMITTING", 2));
  holds.learn(hold("a", "ACTIVE", 1));
  expect(shown()).toEqual(["a COMMITTING"]);
});

test("a hold whose payment begins between the two reads is in the list once", async () => {
  vi.spyOn(session, "holder", "get").mockReturnValue("guest");
  get.mockImplementation((_: string, { params }: { params: { query: { status: string } } }) => {
    const { status } = params.query;
    return Promise.resolve({ data: [hold("a", status, 1)], response: new Response() });
  });
  await holds.read();
  expect(shown()).toEqual(["a COMMITTING"]);
});

test("the form of a hold holds the same again: its product, at its quote", () => {
  const room = { id: "a", flight_ids: ["f"], origin: "DEL", destination: "LHR", weight_kg: 100, volume_m3: 0.6 };
  const address = (more: object) => {
    const made = { ...room, pieces: null, special_handling_codes: [], product: "GENERAL", quote: null, ...more };
    return new URL(holdAddress(made as unknown as Hold), "http://any").searchParams;
  };
  const plain = address({});
  expect([plain.has("product"), plain.has("quote"), plain.get("hold")]).toEqual([false, false, "a"]);
  const quoted = address({ product: "ROSES", quote: { id: "q" } });
  expect([quoted.get("product"), quoted.get("quote")]).toEqual(["ROSES", "q"]);
});
