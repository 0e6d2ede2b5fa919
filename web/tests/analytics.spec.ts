// The reports: charts, the tables behind them, and files, all with the figures of the API.
import { readFileSync } from "node:fs";
import { expect, signIn, test, type Caller, type Json, type World } from "./world";
import type { Page } from "@playwright/test";

const inDays = (days: number) => new Date(Date.now() + days * 86_400_000).toISOString().slice(0, 10);
/** Local dates may be a day ahead of UTC's. */
const FROM = inDays(-2);
const TO = inDays(2);
const SPAN = `from=${FROM}&to=${TO}`;
/** Only this file books from there. */
const HERE = `${SPAN}&origin=STV`;

const number = (value: number) => new Intl.NumberFormat("en-GB", { maximumFractionDigits: 1 }).format(value);
const report = (page: Page, name: string) => page.locator(`[data-report="${name}"]`);
const fact = (page: Page, name: string, of: string) =>
  report(page, name)
    .locator("dl > div", { has: page.getByText(of, { exact: true }) })
    .locator("dd");

/** The rows of the table behind a chart, which is opened by keyboard alone. */
async function behind(page: Page, name: string, which = 0): Promise<string[][]> {
  const details = report(page, name).locator("details").nth(which);
  await details.locator("summary").focus();
  await page.keyboard.press("Enter");
  await expect(details.locator("table")).toBeVisible();
  return details
    .locator("tbody tr")
    .evaluateAll((rows) =>
      rows.map((row) => [...row.querySelectorAll("td")].map((cell) => (cell.textContent ?? "").trim())),
    );
}

/** Five bookings on two lanes: one is delivered, one cancelled. Waits until they are counted. */
async function fiveBookings(world: World, admin: Caller): Promise<void> {
  const customer = await world.customer();
  const before = await admin.get(`/api/v1/analytics/funnel?${HERE}`);
  const cancelled = (await admin.get(`/api/v1/analytics/volume?${HERE}`)).total.cancelled;
  const often = await world.flight("STV", "GOI", 20, 1000);
  const seldom = await world.flight("STV", "NAG", 21, 2000);
  const first = await world.book(customer, [often], 100);
  await world.book(customer, [often], 50);
  await world.book(customer, [often], 25);
  await world.book(customer, [seldom], 700);
  const last = await world.book(customer, [seldom], 300);
  for (const act of ["depart", "arrive", "deliver"]) await admin.post(`/api/v1/bookings/${first.ref_id}/${act}`);
  await admin.post(`/api/v1/bookings/${last.ref_id}/cancel`);
  await expect
    .poll(
      async () => {
        const { bookings } = (await admin.get(`/api/v1/analytics/funnel?${HERE}`)).total;
        const { total } = await admin.get(`/api/v1/analytics/volume?${HERE}`);
        const now = before.total.bookings;
        return [bookings.made - now.made, bookings.delivered - now.delivered, total.cancelled - cancelled];
      },
      { timeout: 90_000 },
    )
    .toEqual([5, 1, 1]);
}

test("charts and the tables behind them show what the API says", async ({ page, world }) => {
  const admin = await world.adminOfTests();
  await fiveBookings(world, admin);
  const ask = (name: string, more = "") => admin.get(`/api/v1/analytics/${name}?${HERE}${more}`);
  const [volume, flights, transit, funnel, lanes]: Json[] = [
    await ask("volume"),
    await ask("flights"),
    await ask("transit-times"),
    await ask("funnel"),
    await ask("volume", "&group=lane&by=month"),
  ];
  await signIn(page, admin, `/admin/analytics?${HERE}`);

  await expect(fact(page, "volume", "Bookings")).toHaveText(number(volume.total.bookings));
  await expect(fact(page, "volume", "Weight")).toHaveText(`${number(volume.total.weight_kg)} kg`);
  const days = await behind(page, "volume");
  expect(days).toHaveLength(5);
  const bookings = days.map((row) => Number(row[1]?.replaceAll(",", "")));
  expect(bookings.reduce((sum, it) => sum + it, 0)).toBe(volume.total.bookings);
  const columns = report(page, "volume").getByRole("img", { name: /^Column chart: Bookings per day/ });
  expect(await columns.locator("title").allTextContents()).toEqual(days.map((row) => `${row[0]}: ${row[1]}`));

  await expect(fact(page, "utilisation", "Flights")).toHaveText(number(flights.total.flights));
  const { weight } = flights.total.percent;
  expect(weight).toBeGreaterThan(0);
  const dimensions = await behind(page, "utilisation");
  expect(dimensions[0]).toEqual([
    "Weight",
    `${number(flights.total.carried.weight_kg)} kg`,
    `${number(flights.total.capacity.weight_kg)} kg`,
    `${number(weight)} %`,
  ]);
  const bars = report(page, "utilisation").getByRole("img", { name: /^Bar chart: Cargo carried/ });
  await expect(bars).toHaveAccessibleName(new RegExp(`Weight ${number(weight)} %`));
  await expect(bars).toContainText(`${number(weight)} %`);
  expect((await behind(page, "utilisation", 1)).map((row) => Number(row[1])).reduce((a, b) => a + b, 0)).toBe(
    flights.total.flights,
  );

  await expect(fact(page, "transit", "Shipments")).toHaveText(number(transit.total.shipments));
  const [lane] = await behind(page, "transit");
  expect(lane?.slice(0, 2)).toEqual(["STV – GOI", number(transit.total.shipments)]);
  expect(lane?.[2], "planned").toBe("8 h");
  await expect(report(page, "transit").getByRole("img")).toContainText("90 % within 8 h");

  const { made, delivered } = funnel.total.bookings;
  const share = `${number((delivered / made) * 100)} %`;
  expect((await behind(page, "funnel"))[3]).toEqual(["Bookings", number(made), "Delivered", number(delivered), share]);
  await expect(report(page, "funnel").getByRole("img")).toContainText(`${number(delivered)} ${share} of those made`);

  const of = (key: string) =>
    lanes.rows.filter((row: Json) => row.key === key).reduce((sum: number, row: Json) => sum + row.bookings, 0);
  const ranked = await behind(page, "lanes");
  expect(of("STV-GOI")).toBeGreaterThan(of("STV-NAG"));
  expect(ranked.slice(0, 2).map((row) => row.slice(0, 3))).toEqual([
    ["1", "STV – GOI", number(of("STV-GOI"))],
    ["2", "STV – NAG", number(of("STV-NAG"))],
  ]);
  await expect(report(page, "lanes").getByRole("img")).toContainText(
    `1. STV – GOI ${number(of("STV-GOI"))} ${number((of("STV-GOI") / volume.total.bookings) * 100)} % of all bookings`,
  );
});

test("searches are shown with what became of them, and in the figures of the day", async ({ page, world }) => {
  const admin = await world.adminOfTests();
  const customer = await world.customer();
  const made = async (origin: string) =>
    (await admin.get(`/api/v1/analytics/demand?${SPAN}&origin=${origin}`)).total.searches as number;
  const before = await made("TIR");
  const flight = await world.flight("TIR", "VGA", 20, 500);
  const departure_date = flight.departure_local.slice(0, 10);
  for (const weight_kg of [10, 100, 900])
    await customer.post("/api/v1/routes/search", { origin: "TIR", destination: "VGA", departure_date, weight_kg });
  // A server writes what it has counted every half minute.
  await expect.poll(() => made("TIR"), { timeout: 90_000 }).toBe(before + 3);
  const asked = `${SPAN}&origin=TIR`;
  const whole = (await admin.get(`/api/v1/analytics/demand?${asked}`)).total;
  const { rows } = await admin.get(`/api/v1/analytics/demand?${asked}&group=outcome&by=month`);
  const full = rows
    .filter((row: Json) => row.key === "NO_ROOM")
    .reduce((sum: number, row: Json) => sum + row.searches, 0);
  await signIn(page, admin, `/admin/analytics?${asked}`);
  await expect(fact(page, "demand", "Searches")).toHaveText(number(whole.searches));
  await expect(fact(page, "demand", "Bookable")).toHaveText(`${number(whole.bookable_percent)} %`);
  const days = await behind(page, "demand");
  expect(days.map((row) => Number(row[1])).reduce((sum, it) => sum + it, 0)).toBe(whole.searches);
  const outcomes = await behind(page, "demand", 1);
  expect(outcomes.find((row) => row[0] === "No space")?.[1]).toBe(number(full));
  expect((await behind(page, "demand", 2))[0]?.slice(0, 2)).toEqual(["TIR – VGA", number(whole.searches)]);
  expect((await behind(page, "funnel"))[0]?.slice(0, 3)).toEqual(["Searches", number(whole.searches), "Bookable"]);
  const daily = (await admin.get(`/api/v1/analytics/daily?${SPAN}`)).total;
  expect(daily.searches).toBeGreaterThanOrEqual(3);
  await expect(fact(page, "daily", "Searches")).toBeVisible();
  await world.book(customer, [flight], 10);
  await page.goto(`/admin/analytics?${asked}&airline=${flight.flight_number.slice(0, 2)}`);
  expect((await behind(page, "funnel"))[0]?.[0], "nothing is known of the airlines of searches").toBe("Quotes");
});

test("span, period and filters are in the address and survive a reload", async ({ page, world }) => {
  const admin = await world.adminOfTests();
  await signIn(page, admin, "/admin/analytics");
  const today = inDays(0);
  await expect(page.getByLabel("First day")).toHaveValue(inDays(-27));
  await expect(page.getByLabel("Last day")).toHaveValue(today);
  await page.getByLabel("First day").fill("2026-09-07");
  await page.getByLabel("Last day").fill("2026-10-05");
  await page.getByLabel("Period").selectOption("week");
  await page.getByLabel("Airline designator").fill("ek");
  await page.getByLabel("Airline designator").press("Enter");
  await page.getByRole("combobox", { name: "Origin" }).fill("STV");
  await page.getByRole("combobox", { name: "Destination" }).focus();
  const asked = { from: "2026-09-07", to: "2026-10-05", by: "week", airline: "EK", origin: "STV" };
  await expect.poll(() => Object.fromEntries(new URL(page.url()).searchParams)).toEqual(asked);
  await expect(page.locator('[aria-busy="true"]')).toHaveCount(0);
  const question = page.waitForRequest(/\/analytics\/funnel\?/);
  await page.reload();
  expect(Object.fromEntries(new URL((await question).url()).searchParams)).toEqual(asked);
  await expect(page.getByLabel("First day")).toHaveValue("2026-09-07");
  await expect(page.getByLabel("Period")).toHaveValue("week");
  await expect(page.getByLabel("Airline designator")).toHaveValue("EK");
  await expect(page.getByRole("combobox", { name: "Origin" })).toHaveValue(/STV/);
});

test("a span that moves with the day is in the address as itself, until a day is entered", async ({ page, world }) => {
  const admin = await world.adminOfTests();
  await signIn(page, admin, "/admin/analytics");
  const asked = page.waitForRequest(
    (request) => /\/analytics\/funnel\?/.test(request.url()) && request.url().includes(inDays(-6)),
  );
  await page.getByLabel("Span").selectOption("Last 7 days");
  expect(new URL((await asked).url()).searchParams.get("to")).toBe(inDays(0));
  await expect(page).toHaveURL(/analytics[?]span=7d$/);
  await page.reload();
  await expect(page.getByLabel("Span")).toHaveValue("7d");
  await expect(page.getByLabel("First day")).toHaveValue(inDays(-6));
  await page.getByLabel("First day").fill(inDays(-3));
  await expect(page).toHaveURL(new RegExp(`from=${inDays(-3)}&to=${inDays(0)}`));
  await expect(page).not.toHaveURL(/span=/);
  await expect(page.getByLabel("Span")).toHaveValue("");
});

test("a bar leads to the bookings that it counts, by its row of the table and by pointer", async ({ page, world }) => {
  const admin = await world.adminOfTests();
  await fiveBookings(world, admin);
  const volume = await admin.get(`/api/v1/analytics/volume?${HERE}`);
  const row = volume.rows.at(-1);
  await signIn(page, admin, `/admin/analytics?${HERE}`);
  const listed = page.getByRole("row").filter({ has: page.getByRole("checkbox") });
  await behind(page, "volume");
  const days = report(page, "volume")
    .locator("details")
    .getByRole("row")
    .filter({ has: page.getByRole("link") });
  await days
    .filter({ hasText: number(row.bookings) })
    .first()
    .getByRole("link")
    .click();
  await expect(page).toHaveURL(/[/]bookings[?]origin=STV&created_from=/);
  await expect(listed).toHaveCount(row.bookings);
  await page.goBack();
  await behind(page, "funnel");
  const { delivered } = (await admin.get(`/api/v1/analytics/funnel?${HERE}`)).total.bookings;
  await report(page, "funnel")
    .locator("details")
    .getByRole("link", { name: number(delivered), exact: true })
    .last()
    .click();
  await expect(page).toHaveURL(/status=DELIVERED/);
  await expect(listed).toHaveCount(delivered);
  await page.goBack();
  await report(page, "lanes").getByText("1. STV – GOI").locator("..").locator("svg").click();
  await expect(page).toHaveURL(/origin=STV&destination=GOI/);
  await expect(listed.first()).toContainText("STV – GOI");
  // Bookings have no filter for the airline.
  await page.goto(`/admin/analytics?${HERE}&airline=AI`);
  await behind(page, "volume");
  await expect(report(page, "volume").locator("details").getByRole("link")).toHaveCount(0);
});

test("a report is downloaded as it is asked", async ({ page, world }) => {
  const admin = await world.adminOfTests();
  await fiveBookings(world, admin);
  await signIn(page, admin, `/admin/analytics?${HERE}&by=month`);
  for (const [title, report, column, of] of [
    ["Volume", "volume", "bookings", (row: Json) => row.bookings],
    ["Utilisation", "flights", "flights", (row: Json) => row.flights],
    ["Transit times", "transit-times", "shipments", (row: Json) => row.shipments],
    ["Funnel", "funnel", "bookings_made", (row: Json) => row.bookings.made],
    ["Popular routes", "volume", "bookings", (row: Json) => row.bookings],
  ] as const) {
    const file = page.getByRole("group", { name: `Export: ${title}` });
    const taken = page.waitForEvent("download");
    await file.getByRole("button", { name: "Download CSV" }).click();
    const download = await taken;
    expect(download.suggestedFilename()).toBe(`${report}.csv`);
    const [heads = [], ...lines] = readFileSync((await download.path()) ?? "", "utf8")
      .trim()
      .split("\r\n")
      .map((line) => line.split(",").map((cell) => cell.replaceAll('"', "")));
    const group = ["Transit times", "Popular routes"].includes(title) ? "&group=lane" : "";
    const { rows } = await admin.get(`/api/v1/analytics/${report}?${HERE}&by=month${group}`);
    expect(rows.length, title).toBeGreaterThan(0);
    expect(
      lines.map((line) => [line[heads.indexOf("period")], line[heads.indexOf("key")], line[heads.indexOf(column)]]),
    ).toEqual(rows.map((row: Json) => [row.period, row.key ?? "", String(of(row))]));
  }
  const taken = page.waitForEvent("download");
  await page.getByRole("group", { name: "Export: Popular routes" }).getByRole("button", { name: /xlsx/ }).click();
  expect((await taken).suggestedFilename()).toBe("volume.xlsx");
});

test("a report without figures says what helps, and a span that is refused is told at its field", async ({
  page,
  world,
}) => {
  const admin = await world.adminOfTests();
  await signIn(page, admin, "/admin/analytics?from=2026-01-01&to=2026-01-07&origin=STV&destination=HKG");
  for (const [name, title] of [
    ["volume", "No bookings in this span"],
    ["utilisation", "No flights in this span"],
    ["transit", "No shipments arrived in this span"],
    ["demand", "No searches in this span"],
    ["funnel", "No searches, quotes, holds or bookings in this span"],
    ["lanes", "No bookings in this span"],
  ] as const) {
    await expect(report(page, name)).toContainText(title);
    await expect(report(page, name)).toContainText("Choose an earlier first day, or remove a filter.");
  }
  await page.getByLabel("Last day").fill("2025-12-31");
  await expect(page.getByLabel("Last day")).toHaveAccessibleDescription(/Must not be before `from`\./);
  await expect(page.getByRole("main").getByRole("alert")).toHaveCount(1);
  await page.getByLabel("Last day").fill("2026-01-08");
  await expect(page.getByLabel("Last day")).not.toHaveAttribute("aria-invalid");
  await expect(report(page, "lanes")).toContainText("No bookings in this span");
});

test("a report that fails says so and is read again; the others stay", async ({ page, world }) => {
  const admin = await world.adminOfTests();
  await page.route("**/api/v1/analytics/funnel?*", (route) =>
    route.fulfill({
      status: 500,
      contentType: "application/problem+json",
      body: JSON.stringify({ status: 500, code: "internal", title: "", detail: "It broke.", request_id: "r-17" }),
    }),
  );
  await signIn(page, admin, `/admin/analytics?${SPAN}`);
  await expect(report(page, "funnel").getByRole("alert")).toContainText("It broke.");
  await expect(report(page, "funnel").getByRole("alert")).toContainText("r-17");
  await expect(report(page, "volume").getByRole("img")).toHaveCount(2);
  await page.unroute("**/api/v1/analytics/funnel?*");
  await report(page, "funnel").getByRole("button", { name: "Try again" }).click();
  await expect(report(page, "funnel").getByRole("img")).toBeVisible();
  await expect(report(page, "funnel").getByRole("alert")).toHaveCount(0);
});

test("a customer who types the address of the reports sees that it is not theirs", async ({ page, world }) => {
  const customer = await world.customer();
  await signIn(page, customer, "/admin/analytics");
  await expect(page.getByRole("heading", { name: "No access" })).toBeVisible();
  await expect(page.locator("[data-report]")).toHaveCount(0);
  expect((await customer.ask("GET", "/api/v1/analytics/funnel")).status).toBe(403);
});
