// What tests of feeds need: feeds of airlines that no other test flies, their files, and the ends of their runs.
import { randomInt } from "node:crypto";
import { expect, type Caller, type Json } from "./world";

// Airlines that the demonstration does not fly: each has one feed of a kind, so each test has its own.
// Airports that no timetable of the demonstration and no other test serves.
export const [FROM, TO, ELSEWHERE] = ["GAU", "IMF", "DIB"];
const HEADER =
  "flight_number,origin,destination,departure_datetime,arrival_datetime,aircraft_code,weight_kg,volume_m3,positions,cutoff_minutes";

const inDays = (days: number) => new Date(Date.now() + days * 86_400_000).toISOString().slice(0, 10);
/** The day of the flights; the tests of one browser keep it, also over midnight. */
const DAY = inDays(20);
export const path = (feed: Json) => `/api/v1/feeds/${feed.id}`;
export const page = (feed: Json) => `/admin/feeds/${feed.id}`;

/** Three flight numbers in a row of an airline. */
export function numbersOf(airline: string): string[] {
  const first = randomInt(1000, 9900);
  return [0, 1, 2].map((next) => `${airline}${first + next}`);
}

/** A file of dated flights, in twenty days at this hour (UTC). */
export const file = (numbers: readonly string[], hour = 10, aircraft = "77X"): string => {
  const rows = numbers.map((number) => {
    const [departure, arrival] = [hour, hour + 2].map((at) => `${DAY}T${String(at).padStart(2, "0")}:00:00Z`);
    return `${number},${FROM},${TO},${departure},${arrival},${aircraft},,,,`;
  });
  return [HEADER, ...rows, ""].join("\n");
};

export const upload = (text: string) => ({ name: "flights.csv", mimeType: "text/csv", buffer: Buffer.from(text) });

/** Rates that others publish for three days before today. */
export const rates = (origin: string, destination: string): string =>
  [
    "date,origin,destination,weight_kg,currency,per_kg",
    ...[1, 2, 3].map((days) => `${inDays(-days)},${origin},${destination},300,USD,3.${days}`),
    "",
  ].join("\n");

/** A feed while a test runs, deleted with it: an airline has one of a kind. What it gave stays. */
export async function withFeed(admin: Caller, more: object, test: (feed: Json) => Promise<void>): Promise<void> {
  const given = { name: `Feed ${randomInt(100_000, 999_999)}`, kind: "FLIGHTS", format: "CSV", ...more };
  const feed = await admin.post("/api/v1/feeds", given);
  try {
    await test(feed);
  } finally {
    await admin.ask("DELETE", path(feed));
  }
}

/** Waits for the end of a run, or until it waits for a person. */
export async function ended(admin: Caller, run: Json): Promise<Json> {
  const address = `/api/v1/feeds/${run.feed_id}/runs/${run.id}`;
  await expect.poll(async () => (await admin.get(address)).status, { timeout: 60_000 }).not.toBe("RUNNING");
  return admin.get(address);
}

/** A run with this file, and its end. */
export async function ran(admin: Caller, feed: Json, text: string): Promise<Json> {
  return ended(admin, await admin.postFile(`${path(feed)}/runs`, "text/csv", text));
}

/** The flights of this number that are on the schedule. */
export const flightsOf = (admin: Caller, number: string): Promise<Json[]> =>
  admin.get(`/api/v1/flights?flight_number=${number}&status=SCHEDULED`);
