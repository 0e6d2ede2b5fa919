// By when the station takes the freight: on options, holds, bookings and their papers.
import { expect, showIn, signIn, test, type Json, type World } from "./world";

/** Has a station take freight until so many minutes before departure; without them, it has no rule. */
async function accept(world: World, station: string, minutes_before: number | null): Promise<void> {
  const admin = await world.admin();
  const path = `/api/v1/stations/${station}`;
  const { version } = await admin.get(path);
  const acceptance = minutes_before === null ? [] : [{ minutes_before }];
  const answer = await admin.ask("PUT", path, { acceptance }, { "If-Match": `"${version}"` });
  expect(answer.status).toBe(200);
}

/** The instant so many minutes before a flight leaves, as the API writes it. */
const before = (flight: Json, minutes: number): string =>
  new Date(Date.parse(flight.departure_datetime) - minutes * 60_000).toISOString().replace(".000Z", "Z");

test("the latest acceptance stands on the option, the hold, the booking, its papers and its labels", async ({
  page,
  world,
}) => {
  const flight = await world.flight("UDR", "RPR", 72, 5000);
  await accept(world, "UDR", 240);
  const customer = await world.customer();
  const time = page.locator(`time[datetime="${before(flight, 240)}"]`);
  const day = flight.departure_local.slice(0, 10);

  await page.setViewportSize({ width: 1400, height: 900 });
  await signIn(page, customer, `/?origin=UDR&destination=RPR&date=${day}&weight=100`);
  const row = page.getByRole("row").filter({ has: page.getByRole("rowheader", { name: flight.flight_number }) });
  await row.getByRole("button", { name: /^Details/ }).click();
  await expect(page.getByText("Latest acceptance")).toBeVisible();
  await expect(time).toBeVisible();

  await customer.post("/api/v1/holds", { flight_ids: [flight.id], weight_kg: 100 });
  await page.goto("/holds");
  const held = page.getByRole("article").filter({ hasText: flight.flight_number });
  await expect(held.getByText("Latest acceptance")).toBeVisible();
  await expect(held.locator(`time[datetime="${before(flight, 240)}"]`)).toBeVisible();

  const booking = await world.book(customer, [flight], 100);
  const papers = ["confirmation", "sheet", "labels"].map((kind) => `/documents?show=${kind}`);
  for (const address of ["", ...papers]) {
    await page.goto(`/bookings/${booking.ref_id}${address}`);
    const fact = page.locator("dl > div").filter({ hasText: "Latest acceptance" }).first();
    await expect(fact.locator(`time[datetime="${before(flight, 240)}"]`)).toBeVisible();
  }
  await page.goto(`/bookings/${booking.ref_id}`);
  await showIn(page, "de");
  const german = page.locator("dl > div").filter({ hasText: "Späteste Anlieferung" });
  await expect(german).toBeVisible();
  await page.setViewportSize({ width: 360, height: 740 });
  await expect(german).toBeVisible();
  await showIn(page, "en");

  // The rule is another one, and its time has passed: it informs.
  await accept(world, "UDR", 5000);
  await page.goto(`/bookings/${booking.ref_id}`);
  const fact = page.locator("dl > div").filter({ hasText: "Latest acceptance" });
  await expect(fact).toContainText("has passed");
  await expect(page.getByRole("button", { name: "Amend" })).toBeVisible();
});

test("a station without a rule says nothing of acceptance", async ({ page, world }) => {
  const flight = await world.flight("RPR", "UDR", 72, 5000);
  const customer = await world.customer();
  const booking = await world.book(customer, [flight], 100);
  await signIn(page, customer, `/bookings/${booking.ref_id}`);
  await expect(page.locator("dl > div").filter({ hasText: "Chargeable weight" })).toBeVisible();
  await expect(page.getByText("Latest acceptance")).toHaveCount(0);
});

test("the board of a station says for how long it takes general freight", async ({ page, world }) => {
  const flight = await world.flight("JLR", "IDR", 20, 5000);
  await accept(world, "JLR", null);
  await signIn(page, await world.operator(), "/board?station=JLR");
  const row = page.locator(`tr[data-flight="${flight.flight_number}"]`);
  await expect(row).toBeVisible();
  await expect(row).not.toContainText("General freight");
  await accept(world, "JLR", 240);
  await page.reload();
  await expect(row).toContainText("General freight is taken for");
  await accept(world, "JLR", 1300);
  await page.reload();
  await expect(row).toContainText("General freight is not taken any more");
  await page.goto("/board?all=1");
  await expect(page.getByRole("heading", { name: "Departures of all stations" })).toBeVisible();
  await expect(page.getByText("General freight")).toHaveCount(0);
});
