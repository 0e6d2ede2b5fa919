import { expect, test } from "vitest";
import type { Answer } from "../../api/client";
import { concernsOf, windowsOf, type Concerns } from "./concerns";
import type { Flight } from "./queries";

const flight = (id: string, departure: string) => ({ id, departure_datetime: departure }) as Flight;
const leaves = (...departures: string[]) => departures.map((departure) => ({ departure_datetime: departure }));

test("flights next to each other are asked about together, and a gap divides them", () => {
  expect(windowsOf([])).toEqual([]);
  expect(windowsOf(leaves("2026-12-02T10:00:00Z", "2026-12-02T07:00:00.000123Z", "2026-12-02T15:00:00Z"))).toEqual([
    { from: "2026-12-02T07:00:00.000Z", to: "2026-12-02T10:00:00.001Z" },
    { from: "2026-12-02T15:00:00.000Z", to: "2026-12-02T15:00:00.001Z" },
  ]);
});

test("no window is longer than the API allows", () => {
  const start = Date.parse("2026-12-01T00:00:00Z");
  const hourly = Array.from({ length: 200 }, (_, hour) => new Date(start + hour * 3_600_000).toISOString());
  const windows = windowsOf(leaves(...hourly));
  expect(windows).toHaveLength(3);
  for (const { from, to } of windows) expect(Date.parse(to) - Date.parse(from)).toBeLessThanOrEqual(96 * 3_600_000);
  const isIn = (at: string) => windows.filter(({ from, to }) => from <= at && at < to).length;
  expect(hourly.map(isIn)).toEqual(hourly.map(() => 1));
});

test("figures of all pages are put to their flights, and others are left out", async () => {
  const asked: object[] = [];
  const pages: Answer<Concerns[]>[] = [
    { data: [{ flight_id: "b" } as Concerns], next: "c1", etag: null, response: new Response() },
    { data: [{ flight_id: "other" } as Concerns], next: null, etag: null, response: new Response() },
  ];
  const flights = [flight("a", "2026-12-02T07:00:00Z"), flight("b", "2026-12-02T08:00:00Z")];
  const found = await concernsOf(flights, "DEL", (query) => {
    asked.push(query);
    return Promise.resolve(pages[asked.length - 1] ?? Promise.reject(new Error("asked too often")));
  });
  expect([...found]).toEqual([
    ["a", null],
    ["b", { flight_id: "b" }],
  ]);
  const window = { from: "2026-12-02T07:00:00.000Z", to: "2026-12-02T08:00:00.001Z", station: "DEL" };
  expect(asked).toEqual([window, { ...window, cursor: "c1" }]);
});

test("a board of all stations names none", async () => {
  let asked: object | null = null;
  await concernsOf([flight("a", "2026-12-02T07:00:00Z")], "", (query) => {
    asked = query;
    return Promise.resolve({ data: [], next: null, etag: null, response: new Response() });
  });
  expect(asked).not.toHaveProperty("station");
});
