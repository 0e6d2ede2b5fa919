// The board: from now on or of a day, departures or arrivals, one station or all.
import { expect, signIn, test } from "./world";

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

test("the departures of all stations stand on one board", async ({ page, world }) => {
  const [one, other] = [await world.flight("TRV", "CJB", 0.2, 1000), await world.flight("CJB", "TRV", 0.3, 1000)];
  const operator = await world.operator();
  await signIn(page, operator, "/board?station=TRV");
  const row = (flight: { flight_number: string }) => page.locator(`[data-flight="${flight.flight_number}"]`);
  await expect(row(one)).toBeVisible();
  await expect(row(other)).toHaveCount(0);
  await page.getByLabel("All stations").check();
  await expect(page.getByRole("heading", { level: 1 })).toHaveText("Departures of all stations");
  await expect(row(one)).toContainText("TRV");
  await expect(row(other)).toContainText("CJB");
  await page.getByLabel("All stations").uncheck();
  await expect(row(other)).toHaveCount(0);
  await expect(row(one)).toBeVisible();
});
