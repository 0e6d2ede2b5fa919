// Prices of days, of a month, and of the past: what the page shows is what the API says.
import type { Page } from "@playwright/test";
import { expect, signIn, test, type Json } from "./world";

const inDays = (days: number) => new Date(Date.now() + days * 86_400_000).toISOString().slice(0, 10);
const LANE = "origin=DEL&destination=LHR";
/** The days of the strip: one before the day that is asked for, and five after it. None of them is over anywhere. */
const DAY = inDays(5);
const PRICED = `/api/v1/routes/days?${LANE}&price=true&weight_kg=300`;

const money = (price: Json) =>
  new Intl.NumberFormat("en-GB", { style: "currency", currency: price.currency }).format(Number(price.amount));
const strip = (page: Page) => page.getByRole("navigation", { name: "Days" });
const prices = (page: Page) => page.locator("[data-prices]");
const calendar = (page: Page) => prices(page).getByRole("region", { name: "Prices of a month" });

/** The addresses of the days with prices that the page asks for. */
function askedOf(page: Page): string[] {
  const asked: string[] = [];
  page.on("request", (request) => {
    const url = new URL(request.url());
    if (url.pathname === "/api/v1/routes/days" && url.searchParams.get("price") === "true") asked.push(url.search);
  });
  return asked;
}

test("the strip shows the lowest price of each day, and marks the lowest of all", async ({ page, world }) => {
  const days = await world.anonymous().get(`${PRICED}&from=${inDays(4)}&days=7`);
  expect(days.filter((day: Json) => day.price).length).toBeGreaterThan(0);
  const asked = askedOf(page);
  await page.goto(`/?${LANE}&date=${DAY}&weight=300`);
  for (const [index, day] of days.entries()) {
    const item = strip(page).getByRole("listitem").nth(index);
    if (day.price) await expect(item).toContainText(money(day.price));
    if (day.is_cheapest) await expect(item).toContainText("lowest price");
    else await expect(item).not.toContainText("lowest price");
  }
  // Once, and no month that nobody has opened.
  await page.waitForLoadState("networkidle");
  expect(asked).toHaveLength(1);
  // Another day of the strip is priced already.
  await strip(page).getByRole("listitem").nth(2).getByRole("button").click();
  await expect(page).toHaveURL(new RegExp(`date=${inDays(6)}`));
  await page.waitForLoadState("networkidle");
  expect(asked).toHaveLength(1);
});

test("without a weight nothing is priced", async ({ page }) => {
  const asked = askedOf(page);
  await page.goto(`/?${LANE}&date=${DAY}`);
  await expect(strip(page).getByRole("listitem").first()).toContainText("option");
  await expect(prices(page).getByRole("button", { name: "Price history" })).toBeVisible();
  await expect(prices(page).getByRole("button", { name: "Prices of a month" })).toHaveCount(0);
  expect(asked).toEqual([]);
});

test("nothing moves when the prices come, and days stay without them", async ({ page }) => {
  let release = () => {};
  const held = new Promise<void>((go) => (release = go));
  let fails = false;
  await page.route(/routes\/days\?.*price=true/, async (route) => {
    if (fails) return route.fulfill({ status: 500, contentType: "application/problem+json", body: "{}" });
    await held;
    return route.continue();
  });
  await page.goto(`/?${LANE}&date=${DAY}&weight=300`);
  const third = strip(page).getByRole("listitem").nth(2);
  await expect(third).toContainText(/option|no flights/);
  const before = await strip(page).boundingBox();
  release();
  await expect(strip(page)).toContainText("lowest price");
  expect(await strip(page).boundingBox()).toEqual(before);
  // Prices that cannot be read are said to be so; the days are there, and the prices come again.
  fails = true;
  await page.getByRole("button", { name: "Later days" }).click();
  const failure = page.locator("main .failure");
  await expect(failure).toBeVisible();
  await expect(third).toContainText(/option|no flights/);
  fails = false;
  await failure.getByRole("button", { name: "Try again" }).click();
  await expect(strip(page)).toContainText("lowest price");
  await expect(failure).toHaveCount(0);
});

test("a month is read when it is opened, once, and a day of it is searched for by keyboard", async ({
  page,
  world,
}) => {
  // The next month is whole everywhere.
  const next = new Date(Date.UTC(new Date().getUTCFullYear(), new Date().getUTCMonth() + 1, 1)).toISOString();
  const month = next.slice(0, 7);
  const days = await world.anonymous().get(`${PRICED}&month=${month}`);
  const cheapest = days.filter((day: Json) => day.is_cheapest).map((day: Json) => day.departure_date);
  const asked = askedOf(page);
  await page.goto(`/?${LANE}&date=${month}-03&weight=300`);
  await expect(strip(page)).toContainText("lowest price");
  const opener = prices(page).getByRole("button", { name: "Prices of a month" });
  await expect(opener).toHaveAttribute("aria-expanded", "false");
  await opener.focus();
  await page.keyboard.press("Enter");
  await expect(opener).toHaveAttribute("aria-expanded", "true");
  await expect(calendar(page).locator("[data-date]")).toHaveCount(days.length);
  for (const day of days) {
    const cell = calendar(page).locator(`[data-date="${day.departure_date}"]`);
    if (day.price) await expect(cell).toContainText(money(day.price));
    else await expect(cell).toContainText("–");
  }
  const marked = await calendar(page)
    .locator("[data-date]", { hasText: "lowest price" })
    .evaluateAll((all) => all.map((one) => (one as HTMLElement).dataset["date"]));
  expect(marked).toEqual(cheapest);
  // Closed and opened again, it asks no more.
  await opener.click();
  await expect(calendar(page)).toHaveCount(0);
  await opener.click();
  await expect(calendar(page).locator(`[data-date="${month}-20"]`)).toContainText(/[–\d]/);
  expect(asked.filter((query) => query.includes("month="))).toHaveLength(1);
  // A day is searched for, and the calendar stays.
  await calendar(page).locator(`[data-date="${month}-20"]`).focus();
  await page.keyboard.press("Enter");
  await expect(page).toHaveURL(new RegExp(`date=${month}-20`));
  await expect(calendar(page).locator('[aria-current="date"]')).toHaveAttribute("data-date", `${month}-20`);
  expect(asked.filter((query) => query.includes("month="))).toHaveLength(1);
});

test("a month that is over cannot be reached, and a narrow screen shows the whole week", async ({ page }) => {
  await page.setViewportSize({ width: 360, height: 800 });
  await page.goto(`/?${LANE}&date=${DAY}&weight=300`);
  await prices(page).getByRole("button", { name: "Prices of a month" }).click();
  await expect(calendar(page).getByRole("columnheader")).toHaveCount(7);
  const earlier = calendar(page).getByRole("button", { name: "Earlier month" });
  // `DAY` may be in the next month already.
  if (await earlier.isEnabled()) await earlier.click();
  await expect(earlier).toBeDisabled();
  const later = calendar(page).getByRole("button", { name: "Later month" });
  await later.click();
  await expect(earlier).toBeEnabled();
  const tooWide = await page.evaluate(
    () => document.documentElement.scrollWidth - document.documentElement.clientWidth,
  );
  expect(tooWide).toBeLessThanOrEqual(0);
});

const point = (period: string, average: string) => ({ period, low: "2.00", average, high: "3.50", samples: 31 });
/** Answers of a lane with two sources in one currency, and one in another. */
const HISTORY = {
  ...{ origin: "DEL", destination: "LHR", weight_kg: 300, as_of: "2026-11-28T12:00:00Z" },
  series: [
    {
      ...{ source: "offered", currency: "USD", now: "2.10", change_percent: -4.5, level: "LOW" },
      points: [point(inDays(-8), "2.40"), point(inDays(-1), "2.30")],
    },
    {
      ...{ source: "TACT", currency: "USD", now: null, change_percent: null, level: null },
      points: [point(inDays(-8), "2.90")],
    },
    {
      ...{ source: "offered", currency: "EUR", now: "1.90", change_percent: null, level: null },
      points: [point(inDays(-1), "1.95")],
    },
  ],
};

test("the history of a lane has its level, a chart for each currency, and the table behind it", async ({ page }) => {
  await page.route("**/api/v1/rates/history?*", (route) => route.fulfill({ json: HISTORY }));
  await page.goto(`/?${LANE}&date=${DAY}&weight=300`);
  const opener = prices(page).getByRole("button", { name: "Price history" });
  await opener.focus();
  await page.keyboard.press("Enter");
  const history = page.locator("[data-history]");
  await expect(history.locator("[data-level=LOW]")).toHaveText("low");
  await expect(history.locator("[data-series=offered]").first()).toContainText("US$2.10/kg");
  await expect(history.locator("[data-series=offered]").first()).toContainText("-4.5 %");
  await expect(history.getByRole("img", { name: /^Prices of DEL – LHR in USD/ })).toBeVisible();
  await expect(history.getByRole("img", { name: /^Prices of DEL – LHR in EUR/ })).toBeVisible();
  const behind = history.locator("details").first();
  await behind.locator("summary").focus();
  await page.keyboard.press("Enter");
  await expect(behind.getByRole("columnheader", { name: "Offered, average" })).toBeVisible();
  await expect(behind.getByRole("columnheader", { name: "TACT, average" })).toBeVisible();
  await expect(behind.locator("tbody")).toContainText("US$2.30/kg");
  await expect(behind.locator("tbody")).toContainText("US$2.90/kg");
  // What was sold is of staff alone.
  await expect(behind.getByRole("columnheader", { name: "Own yield" })).toHaveCount(0);
});

test("staff see their own yield beside what is offered", async ({ page, world }) => {
  const asked: string[] = [];
  await page.route("**/api/v1/rates/history?*", (route) => route.fulfill({ json: HISTORY }));
  await page.route("**/api/v1/analytics/volume?*", async (route) => {
    asked.push(new URL(route.request().url()).search);
    const answer = await route.fetch();
    const report = (await answer.json()) as Json;
    const row = { ...report.total, period: inDays(-1), yield_per_kg: [{ amount: "1.75", currency: "USD" }] };
    return route.fulfill({ response: answer, json: { ...report, rows: [row] } });
  });
  await signIn(page, await world.operator(), `/?${LANE}&date=${DAY}&weight=300`);
  await prices(page).getByRole("button", { name: "Price history" }).click();
  const history = page.locator("[data-history]");
  const behind = history.locator("details").first();
  await behind.locator("summary").click();
  await expect(behind.getByRole("columnheader", { name: "Own yield" })).toBeVisible();
  await expect(behind.locator("tbody")).toContainText("US$1.75/kg");
  expect(asked[0]).toContain("by=week");
  await history.getByLabel("By", { exact: true }).selectOption("day");
  await expect.poll(() => asked.at(-1)).toContain("by=day");
  // An answer that is on its way is not waited for.
  await page.unrouteAll({ behavior: "ignoreErrors" });
});

test("a lane without a history says so, and one that cannot be read is read again", async ({ page }) => {
  let fails = true;
  await page.route("**/api/v1/rates/history?*", (route) =>
    fails
      ? route.fulfill({ status: 500, contentType: "application/problem+json", body: "{}" })
      : route.fulfill({ json: { ...HISTORY, as_of: null, series: [] } }),
  );
  await page.goto(`/?${LANE}&date=${DAY}`);
  await prices(page).getByRole("button", { name: "Price history" }).click();
  const history = page.locator("[data-history]");
  await expect(history.locator(".failure")).toBeVisible();
  fails = false;
  await history.getByRole("button", { name: "Try again" }).click();
  await expect(history).toContainText("No prices are known for this lane yet.");
});

test("the demonstration has a history, as the API says", async ({ page, world }) => {
  test.setTimeout(300_000);
  await world.historyOfDemo();
  await page.goto(`/?${LANE}&date=${DAY}&weight=300`);
  await prices(page).getByRole("button", { name: "Price history" }).click();
  await expect(page.locator("[data-history]").getByRole("img").first()).toBeVisible();
  await expect(page.locator("[data-history]")).toContainText("Demonstration");
});

test("beside the history stands what could be booked so many days before a departure", async ({ page }) => {
  const asked: string[] = [];
  const day = (days_before: number) => ({
    days_before,
    bookable_percent: 62.5,
    currency: "USD",
    low: "2.10",
    average: "2.50",
  });
  const none = { days_before: 1, bookable_percent: null, currency: null, low: null, average: null };
  await page.route("**/api/v1/rates/history?*", (route) => route.fulfill({ json: HISTORY }));
  await page.route("**/api/v1/rates/booking-window?*", (route) => {
    asked.push(new URL(route.request().url()).search);
    return route.fulfill({ json: [day(0), none, day(2)] });
  });
  await page.setViewportSize({ width: 360, height: 800 });
  await page.goto(`/?${LANE}&date=${DAY}&weight=300`);
  await prices(page).getByRole("button", { name: "Price history" }).click();
  const shown = page.locator("[data-window]");
  await expect(shown.getByRole("img")).toHaveAccessibleName(/When to book.*Bookable/);
  await shown.locator("summary").click();
  const rows = shown.locator("tbody tr");
  await expect(rows).toHaveCount(3);
  await expect(rows.first()).toContainText("62.5 %");
  await expect(rows.first()).toContainText("US$2.10/kg");
  await expect(rows.nth(1)).toContainText("–");
  expect(asked).toEqual([`?${LANE}&weight_kg=300`]);
  const tooWide = await page.evaluate(
    () => document.documentElement.scrollWidth - document.documentElement.clientWidth,
  );
  expect(tooWide).toBeLessThanOrEqual(0);
});
