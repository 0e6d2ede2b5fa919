// The board: from now on or of a day, departures or arrivals, one station or all.
import type { Page } from "@playwright/test";
import { expect, signIn, test, type Json } from "./world";

const HOUR_MS = 3_600_000;
/** Connections are read in a rhythm of their own. */
const CONNECTIONS_MS = 15_000;
const RHYTHM = { timeout: CONNECTIONS_MS + 20_000 };

/** The row of a flight. */
const rowOf = (page: Page, flight: Json) => page.locator(`[data-flight="${flight.flight_number}"]`);

/** So many hours after another moment. */
const later = (moment: string, hours: number) => new Date(Date.parse(moment) + hours * HOUR_MS).toISOString();

test("the board begins at now and keeps a flight of yesterday that has not left", async ({ page, world }) => {
  const late = await world.flight("TRV", "CJB", -30, 1000);
  const next = await world.flight("TRV", "CJB", 2, 1000);
  const operator = await world.operator();
  await signIn(page, operator, "/board?station=TRV");
  const row = (flight: { flight_number: string }) => page.locator(`[data-flight="${flight.flight_number}"]`);
  await expect(row(next)).toContainText("Scheduled");
  await expect(row(late)).toContainText("closed");
  await expect(row(late).locator("time"), "its date is not the board's").toHaveText(/[A-Z][a-z]{2} \d+ [A-Z][a-z]{2}/);
  const numbers = await page
    .locator("[data-flight]")
    .evaluateAll((rows) => rows.map((one) => (one as HTMLElement).dataset["flight"]));
  expect(numbers.indexOf(late.flight_number)).toBeLessThan(numbers.indexOf(next.flight_number));
  // It leaves at last.
  await expect(page.getByText("live", { exact: true })).toBeVisible();
  await operator.post(`/api/v1/flights/${late.id}/depart`);
  await expect(row(late)).toContainText("Departed");

  // A day shows what has left, too.
  await page.getByLabel("Day", { exact: true }).fill(next.departure_local.slice(0, 10));
  await expect(page).toHaveURL(/date=/);
  await expect(row(next)).toBeVisible();
  await page.getByRole("button", { name: "From now on" }).click();
  await expect(page).not.toHaveURL(/date=/);
  await expect(row(next)).toBeVisible();
});

test("the board remembers the station that was chosen in this browser", async ({ page, world }) => {
  await signIn(page, await world.operator(), "/board");
  await expect(page.getByText("Choose a station to see its departures.")).toBeVisible();
  await page.getByLabel("Station", { exact: true }).fill("TRV");
  await page.getByRole("option", { name: /^TRV/ }).click();
  const heading = page.getByRole("heading", { level: 1 });
  await expect(heading).toContainText("(TRV)");
  await page.goto("/track");
  await page.getByRole("link", { name: "Board", exact: true }).click();
  await expect(heading).toContainText("(TRV)");
  // A link to another station is no choice.
  await page.goto("/board?station=DEL");
  await expect(heading).toContainText("(DEL)");
  await page.goto("/board");
  await expect(heading).toContainText("(TRV)");
  // The address has it, and so has a view that is saved.
  await expect(page).toHaveURL(/[?]station=TRV$/);
  await expect(page.getByRole("button", { name: "Save this view" })).toBeVisible();
});

test("arrivals show what is in the air and what is yet to leave, and those of a day by its own clock", async ({
  page,
  world,
}) => {
  const flying = await world.flight("TRV", "CJB", 3, 1000);
  const ahead = await world.flight("TRV", "CJB", 4, 1000);
  const operator = await world.operator();
  await operator.post(`/api/v1/flights/${flying.id}/depart`);
  await signIn(page, operator, "/board?station=CJB");
  const row = (flight: { flight_number: string }) => page.locator(`[data-flight="${flight.flight_number}"]`);
  await expect(page.getByRole("heading", { level: 1 })).toContainText("Departures at");
  await page.getByRole("link", { name: "Arrivals" }).click();
  await expect(page.getByRole("heading", { level: 1 })).toContainText("Arrivals at");
  await expect(row(flying)).toContainText("Departed");
  await expect(row(flying)).toContainText("TRV");
  await expect(row(ahead)).toContainText("Scheduled");
  await page.getByLabel("Day", { exact: true }).fill(ahead.arrival_local.slice(0, 10));
  await expect(row(ahead)).toBeVisible();
});

/** Reads further pages until this flight is there: those of all stations that leave before stand on the first ones. */
async function readTo(page: Page, flight: Json): Promise<void> {
  const more = page.getByRole("button", { name: "Show more" });
  await expect(async () => {
    if (!(await rowOf(page, flight).isVisible()) && (await more.isVisible())) await more.click();
    await expect(rowOf(page, flight)).toBeVisible({ timeout: 2000 });
  }).toPass();
}

test("the departures of all stations stand on one board", async ({ page, world }) => {
  const [one, other] = [await world.flight("TRV", "CJB", 0.2, 1000), await world.flight("CJB", "TRV", 0.3, 1000)];
  const operator = await world.operator();
  await signIn(page, operator, "/board?station=TRV");
  const row = (flight: { flight_number: string }) => page.locator(`[data-flight="${flight.flight_number}"]`);
  await expect(row(one)).toBeVisible();
  await expect(row(other)).toHaveCount(0);
  await page.getByLabel("All stations").check();
  await expect(page.getByRole("heading", { level: 1 })).toHaveText("Departures of all stations");
  await readTo(page, one);
  await readTo(page, other);
  await expect(row(one)).toContainText("TRV");
  await expect(row(other)).toContainText("CJB");
  await page.getByLabel("All stations").uncheck();
  await expect(row(other)).toHaveCount(0);
  await expect(row(one)).toBeVisible();
});

test("the arrivals of all stations stand on one board", async ({ page, world }) => {
  const [one, other] = [await world.flight("TRV", "CJB", 0.2, 1000), await world.flight("CJB", "TRV", 0.3, 1000)];
  const operator = await world.operator();
  for (const flight of [one, other]) await operator.post(`/api/v1/flights/${flight.id}/depart`);
  await signIn(page, operator, "/board?station=TRV&show=arrivals");
  await expect(rowOf(page, other)).toBeVisible();
  await expect(rowOf(page, one)).toHaveCount(0);
  await page.getByLabel("All stations").check();
  await expect(page.getByRole("heading", { level: 1 })).toHaveText("Arrivals of all stations");
  await readTo(page, one);
  await expect(rowOf(page, one)).toContainText("CJB");
  await expect(rowOf(page, other)).toContainText("TRV");
  // It lands, and is in the air no more.
  await expect(page.getByText("live", { exact: true })).toBeVisible();
  await operator.post(`/api/v1/flights/${one.id}/arrive`);
  await expect(rowOf(page, one)).toHaveCount(0);
  await page.getByRole("link", { name: "Departures", exact: true }).click();
  await expect(page.getByRole("heading", { level: 1 })).toHaveText("Departures of all stations");
  await page.goBack();
  await expect(page.getByRole("heading", { level: 1 })).toHaveText("Arrivals of all stations");
});

test("a flight shows its connections at risk while they are, and leads to their bookings", async ({ page, world }) => {
  const first = await world.flight("TRV", "CJB", 3, 1000);
  const second = await world.flight("CJB", "DEL", 14, 1000, {
    departure_datetime: later(first.arrival_datetime, 3),
    arrival_datetime: later(first.arrival_datetime, 6),
  });
  const customer = await world.customer();
  const booking = await world.book(customer, [first, second], 120);
  await world.book(customer, [first], 80);
  const admin = await world.admin();
  const retime = async (hours: number) => {
    const wish = { arrival_datetime: later(first.arrival_datetime, hours) };
    const answer = await admin.ask("PATCH", `/api/v1/flights/${first.id}`, wish);
    expect(answer.status).toBe(200);
  };
  await signIn(page, await world.operator(), "/board?station=TRV");
  const row = rowOf(page, first);
  await expect(row).toContainText("Scheduled");
  await expect(row).not.toContainText("at risk");
  await expect(page.getByText("live", { exact: true })).toBeVisible();
  await retime(2);
  await expect(row).toContainText("1 connection at risk", RHYTHM);
  await expect(row).toContainText(`120 kg: ${second.flight_number} 60 of 120 min`);
  await retime(0);
  await expect(row).not.toContainText("at risk", RHYTHM);
  await retime(4);
  await expect(row).toContainText(`${second.flight_number} leaves 60 min before`, RHYTHM);

  // Arrivals have it, too.
  await page.goto("/board?station=CJB&show=arrivals");
  await row.getByRole("link", { name: "1 connection at risk" }).click();
  await expect(page).toHaveURL(/[/]rerouting[?]flight=.*concern=AT_RISK/);
  await expect(page.getByRole("link", { name: `${first.flight_number}, TRV to CJB` })).toBeVisible();
  await expect(page.locator("[data-booking]")).toHaveCount(1);
  await expect(page.locator(`[data-booking="${booking.ref_id}"]`)).toBeVisible();
  await expect(
    page.getByText(`The connection to ${second.flight_number} leaves 60 min before the landing.`),
  ).toBeVisible();
  // Options leave after the minimum connection time: the server knows it.
  const soon = await world.flight("CJB", "DEL", 14, 1000, {
    departure_datetime: later(first.arrival_datetime, 4 + 1),
    arrival_datetime: later(first.arrival_datetime, 4 + 4),
  });
  const next = await world.flight("CJB", "DEL", 14, 1000, {
    departure_datetime: later(first.arrival_datetime, 4 + 2.5),
    arrival_datetime: later(first.arrival_datetime, 4 + 5),
  });
  await (await world.operator()).post(`/api/v1/flights/${first.id}/depart`);
  const options = page.locator(`[data-booking="${booking.ref_id}"] .option`);
  await page.reload();
  await expect(options.filter({ hasText: next.flight_number })).toHaveCount(1);
  await expect(options.filter({ hasText: soon.flight_number })).toHaveCount(0);
  await page.getByRole("link", { name: "To be rerouted", exact: true }).click();
  await expect(page.getByText("No cargo of this flight is listed here.")).toBeVisible();
});

test("a flight that was cancelled shows what is to be rerouted, until it is", async ({ page, world }) => {
  const first = await world.flight("TRV", "CJB", 3, 1000);
  const second = await world.flight("CJB", "DEL", 14, 1000);
  const other = await world.flight("CJB", "DEL", 15, 1000);
  const customer = await world.customer();
  const booking = await world.book(customer, [first, second]);
  const admin = await world.admin();
  const operator = await world.operator();
  await signIn(page, operator, "/board?station=CJB");
  await expect(rowOf(page, second)).toContainText("Scheduled");
  await expect(page.getByText("live", { exact: true })).toBeVisible();
  await admin.post(`/api/v1/flights/${second.id}/cancel`);
  await expect(rowOf(page, second)).toContainText("1 to be rerouted", RHYTHM);
  await rowOf(page, second).getByRole("link", { name: "1 to be rerouted" }).click();
  await expect(page.locator("[data-booking]")).toHaveCount(1);
  await expect(page.locator(`[data-booking="${booking.ref_id}"]`)).toBeVisible();
  // It has another route: neither flight counts it any more.
  const answer = await operator.ask("PATCH", `/api/v1/bookings/${booking.ref_id}`, {
    flight_ids: [first.id, other.id],
  });
  expect(answer.status).toBe(200);
  await expect(page.locator("[data-booking]")).toHaveCount(0);
  await page.goto("/board?station=CJB");
  await expect(rowOf(page, second)).toContainText("Cancelled");
  await expect(rowOf(page, second)).not.toContainText("to be rerouted");
  await page.goto("/board?station=TRV");
  await expect(rowOf(page, first)).toContainText("Scheduled");
  await expect(rowOf(page, first)).not.toContainText("to be rerouted");
});

test("while bookings come, flights are read with each of them and their connections every 15 seconds", async ({
  page,
  world,
}) => {
  const flight = await world.flight("TRV", "CJB", 2, 1000);
  const operator = await world.operator();
  const read = { flights: 0, connections: 0 };
  let first: string | null = null;
  page.on("request", (request) => {
    const { pathname, searchParams } = new URL(request.url());
    if (pathname.endsWith("/flights")) read.flights += 1;
    // Flights far apart are asked about apart: the first question of each reading begins with the same flight.
    if (!pathname.endsWith("/flights/connections")) return;
    first ??= searchParams.get("from");
    if (searchParams.get("from") === first) read.connections += 1;
  });
  await page.clock.install();
  await signIn(page, operator, `/board?station=TRV&date=${flight.departure_local.slice(0, 10)}`);
  const row = rowOf(page, flight);
  await expect(row.locator("td").last()).toHaveText("–");
  await expect(page.getByText("live", { exact: true })).toBeVisible();
  expect(read.connections).toBeGreaterThan(0);
  // The clock of the page stands, except for as long as it is let run.
  await page.clock.pauseAt(await page.evaluate(() => Date.now() + 10_000));
  let passed = 0;
  const run = async (millis: number) => {
    passed += millis;
    await page.clock.runFor(millis);
  };
  const before = { ...read };
  for (const share of [10, 20, 30, 40, 50, 60]) {
    await world.book(operator, [flight], 100);
    await expect(async () => {
      await run(400);
      await expect(row).toContainText(`${share} %`, { timeout: 2000 });
    }).toPass();
  }
  const most = () => 1 + Math.ceil(passed / CONNECTIONS_MS);
  // A reading that was on its way may show the first booking.
  expect(read.flights - before.flights).toBeGreaterThanOrEqual(5);
  expect(read.connections - before.connections).toBeLessThanOrEqual(most());
  await run(CONNECTIONS_MS);
  await expect.poll(() => read.connections).toBeGreaterThan(before.connections);
  expect(read.connections - before.connections).toBeLessThanOrEqual(most());
});
