// What tests of consolidations need: flights from two origins, prices, members, and the places of the page.
import type { Page } from "@playwright/test";
import { randomInt } from "node:crypto";
import { expect, type Caller, type Json, type World } from "./world";

// Airports that no timetable of the demonstration and no other test serves.
export const [FIRST, SECOND, TO] = ["IDR", "BHO", "RPR"];
const HOUR = 3_600_000;
export const path = (one: Json) => `/api/v1/consolidations/${one.id}`;
export const whole = (caller: Caller, one: Json): Promise<Json> => caller.get(path(one));

/** A direct flight from each origin that departs at the same time, `hours` from now. */
export async function flights(world: World, hours: number, weight_kg = 5000): Promise<Json[]> {
  const first = await world.flight(FIRST, TO, hours, weight_kg);
  const { departure_datetime } = first;
  const arrival_datetime = new Date(Date.parse(departure_datetime) + 3 * HOUR).toISOString();
  return [first, await world.flight(SECOND, TO, hours, weight_kg, { departure_datetime, arrival_datetime })];
}

/** Prices from both origins, by the kilogram with a break; they end with the test. */
export async function priced(world: World, test: () => Promise<void>): Promise<void> {
  const admin = await world.admin();
  const tariffs: Json[] = [];
  for (const origin of [FIRST, SECOND])
    tariffs.push(
      await admin.post("/api/v1/tariffs", {
        ...{ code: `C${randomInt(100_000, 999_999)}`, origin, destination: TO, product: "GENERAL" },
        ...{ currency: "USD", minimum: "0", normal: "4", breaks: [{ from_kg: 100, rate: "2" }] },
        valid_from: "2020-01-01",
      }),
    );
  try {
    await test();
  } finally {
    for (const { id } of tariffs) await admin.ask("DELETE", `/api/v1/tariffs/${id}`);
  }
}

export const created = (owner: Caller, name = "Raipur, week 50"): Promise<Json> =>
  owner.post("/api/v1/consolidations", { name, destination: TO, origin: FIRST });

export const part = (caller: Caller, one: Json, more: object = {}): Promise<Json> =>
  caller.post(`${path(one)}/parts`, { origin: FIRST, pieces: 2, weight_kg: 60, status: "READY", ...more });

/** The link of the letter that invites an address. */
export async function invitation(world: World, email: string): Promise<string> {
  const found = /\/join#[\w.~-]+/.exec(await world.letter(email, "consolidation_invitation"))?.[0];
  expect(found, "the letter has the link").toBeTruthy();
  return found ?? "";
}

export async function joined(world: World, owner: Caller, one: Json, member: Caller): Promise<void> {
  await owner.post(`${path(one)}/members`, { email: member.email, origin: SECOND });
  const token = (await invitation(world, member.email)).split("#")[1];
  await member.post("/api/v1/consolidations/join", { token, answer: "ACCEPT" });
}

export const holdBoth = (owner: Caller, one: Json, [first, second]: Json[]): Promise<Json> =>
  owner.post(`${path(one)}/hold`, {
    ways: [
      { origin: FIRST, flight_ids: [first.id] },
      { origin: SECOND, flight_ids: [second.id] },
    ],
  });

export const grid = (page: Page) => page.locator("[data-grid]");
export const cell = (page: Page, column: string, row: number) =>
  grid(page).getByRole("textbox", { name: `${column}, row ${row}`, exact: true });
export const partRow = (page: Page, one: Json) => page.locator(`[data-part="${one.id}"]`);
export const masterRow = (page: Page, origin: string) => page.locator(`[data-master="${origin}"]`);

export async function paste(page: Page, text: string): Promise<void> {
  await page.evaluate((copied) => navigator.clipboard.writeText(copied), text);
  await page.keyboard.press("ControlOrMeta+V");
}

/** Searches on the day of a flight; returns the combination of these flights. */
export async function searched(page: Page, of: Json[]) {
  await page.locator("[data-group-search]").getByLabel("Departure date").fill(of[0].departure_local.slice(0, 10));
  await page.locator("[data-group-search]").getByRole("button", { name: "Search" }).click();
  const [first, second] = of.map(({ flight_number }) => flight_number);
  const found = page.locator("[data-combination]").filter({ hasText: first }).filter({ hasText: second });
  await expect(found).toHaveCount(1);
  return found;
}
