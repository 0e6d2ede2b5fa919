// The options of a search: a table on a desk, cards on a phone; ordered and filtered by their address.
import type { Locator, Page, Request } from "@playwright/test";
import { randomInt } from "node:crypto";
import { violationsOf } from "./axe";
import { expect, signIn, test, type Json, type World } from "./world";

const WEIGHT = 500;

interface Offered {
  address: string;
  early: Json;
  late: Json;
  /** Of another airline, and the last to arrive. */
  other: Json;
  /** Has no room for the freight. */
  full: Json;
}

/** Four flights of a day that no other test uses. */
async function offered(world: World, days: number): Promise<Offered> {
  const start = new Date(Date.now() + days * 86_400_000).toISOString().slice(0, 10);
  const hours = (hour: number) => (Date.parse(`${start}T00:00:00Z`) - Date.now()) / 3_600_000 + hour;
  const [early, late, other, full] = await Promise.all([
    world.flight("TRV", "CJB", hours(2), 5000),
    world.flight("TRV", "CJB", hours(5), 6000),
    world.flight("TRV", "CJB", hours(8), 7000, { flight_number: `EK${randomInt(2000, 9999)}` }),
    world.flight("TRV", "CJB", hours(9), 100),
  ]);
  const day = early.departure_local.slice(0, 10);
  return { address: `/?origin=TRV&destination=CJB&date=${day}&weight=${WEIGHT}`, early, late, other, full };
}

/** The lines of the options that can be booked. */
const lines = (page: Page): Locator =>
  page.getByRole("row").filter({ has: page.getByRole("link", { name: /^(Book|Buchen)/ }) });
/** The flights of these lines that are the test's own, in their order: another test may have flights of that day, too. */
async function numbersOf(page: Page, flights: Json[]): Promise<string[]> {
  const own = flights.map((flight) => flight.flight_number);
  return (await lines(page).getByRole("rowheader").allInnerTexts()).filter((text) => own.includes(text));
}

test("twelve options stand on the first screen of a desk", async ({ page }) => {
  await page.setViewportSize({ width: 1280, height: 800 });
  const day = new Date(Date.now() + 3 * 86_400_000).toISOString().slice(0, 10);
  await page.goto(`/?origin=DEL&destination=LHR&date=${day}&weight=${WEIGHT}`);
  const twelfth = lines(page).nth(11);
  await expect(twelfth).toBeVisible();
  await expect(
    page
      .getByRole("navigation", { name: "Days" })
      .getByText(/options/)
      .first(),
  ).toBeVisible();
  const box = await twelfth.boundingBox();
  expect((box?.y ?? 0) + (box?.height ?? Infinity)).toBeLessThanOrEqual(800);
});

test("headings order the options by keyboard, and Back restores the order before", async ({ page, world }) => {
  const { address, early, late, other } = await offered(world, 61);
  const all = [early, late, other];
  const forth = all.map((flight) => flight.flight_number);
  await page.goto(address);
  const heading = page.getByRole("columnheader", { name: "Room left" }).first();
  await expect(page.getByRole("columnheader", { name: "Arrives" }).first()).toHaveAttribute("aria-sort", "ascending");
  await expect.poll(() => numbersOf(page, all)).toEqual(forth);
  await heading.getByRole("button").focus();
  await page.keyboard.press("Enter");
  await expect(heading).toHaveAttribute("aria-sort", "ascending");
  await page.keyboard.press("Enter");
  await expect(heading).toHaveAttribute("aria-sort", "descending");
  await expect(page).toHaveURL(/sort=-room(&|$)/);
  await expect(page.getByLabel("Order")).toHaveValue("-room");
  expect(await numbersOf(page, all)).toEqual([...forth].reverse());
  await expect(page.locator('[role="status"][aria-live="polite"]')).toHaveText("Order: Most room.", {
    timeout: 10_000,
  });
  await page.goBack();
  await expect(heading).toHaveAttribute("aria-sort", "ascending");
  expect(await numbersOf(page, all)).toEqual(forth);
  await page.goBack();
  await expect(heading).not.toHaveAttribute("aria-sort");
  await page.getByLabel("Order").selectOption("Latest departure");
  await expect(page).toHaveURL(/sort=-departure(&|$)/);
  expect(await numbersOf(page, all)).toEqual([...forth].reverse());
});

test("filters say how many options are shown, and Back takes them away again", async ({ page, world }) => {
  const { address, early, late, other, full } = await offered(world, 63);
  const all = [early, late, other];
  await page.goto(address);
  const said = page.locator('[role="status"][aria-live="polite"]');
  await expect(page.locator("tr").filter({ hasText: full.flight_number })).toContainText("you asked for 500 kg");
  const whole = (await page.getByRole("heading", { level: 2 }).first().innerText()).trim();
  await page.getByLabel("Carrier").selectOption(other.airline_code);
  await expect(page).toHaveURL(/carrier=EK(&|$)/);
  await expect.poll(() => numbersOf(page, all)).toEqual([other.flight_number]);
  await expect(page.locator("tr").filter({ hasText: full.flight_number })).toHaveCount(0);
  const left = await page.locator("tbody tr").count();
  await expect(page.getByRole("heading", { level: 2 }).first()).toHaveText(new RegExp(`^${left} of \\d+ options$`));
  await expect(said).toHaveText(new RegExp(`^${left} of \\d+ options shown\\.$`));
  await page.getByLabel("Direct only").check();
  await expect(page).toHaveURL(/direct=true(&|$)/);
  await page.goBack();
  await expect(page.getByLabel("Direct only")).not.toBeChecked();
  await page.goBack();
  await expect.poll(() => numbersOf(page, all)).toHaveLength(3);
  await expect(page.getByRole("heading", { level: 2 }).first()).toHaveText(whole);
  await page.getByLabel("Price up to").fill("0.01");
  await page.getByLabel("Price up to").press("Enter");
  await expect(page.getByText("No option matches the filters.")).toBeVisible();
  await page.getByRole("button", { name: "Clear the filters" }).click();
  await expect(page.getByRole("heading", { level: 2 }).first()).toBeFocused();
  await expect.poll(() => numbersOf(page, all)).toHaveLength(3);
  await expect(page).not.toHaveURL(/max_price/);
});

test("filters in an address mean the same to readers of every language", async ({ page, browser, world }) => {
  const { address, early, late, other } = await offered(world, 65);
  const all = [early, late, other];
  await page.goto(address);
  await page.getByLabel("Price up to").fill("1,234,567.5");
  await page.getByLabel("Price up to").press("Tab");
  await expect(page).toHaveURL(/max_price=1234567\.5(&|$)/);
  // A minute after the first one arrives, by the clock of its station.
  const shown = new Date(Date.parse(`${early.arrival_local.slice(0, 16)}Z`) + 60_000).toISOString().slice(0, 16);
  await page.getByLabel("Arrives before").fill(shown);
  const instant = new Date(Date.parse(early.arrival_datetime) + 60_000).toISOString().replace(".000Z", "Z");
  await expect(page).toHaveURL((url) => url.searchParams.get("arrive_before") === instant);
  await expect.poll(() => numbersOf(page, all)).toEqual([early.flight_number]);
  const context = await browser.newContext({ baseURL: world.url, locale: "de-DE", timezoneId: "America/New_York" });
  const german = await context.newPage();
  await german.goto(page.url());
  await expect.poll(() => numbersOf(german, all)).toEqual([early.flight_number]);
  await expect(german.getByLabel("Preis bis")).toHaveValue("1234567,5");
  await expect(german.getByLabel("Ankunft vor")).toHaveValue(shown);
  await context.close();
  // What is not in this form filters nothing, and its field says so.
  await page.goto(`${address}&max_price=1,200&arrive_before=tomorrow`);
  await expect.poll(() => numbersOf(page, all)).toHaveLength(3);
  await expect(page.getByLabel("Price up to")).toHaveAttribute("aria-invalid", "true");
  await expect(page.getByLabel("Arrives before")).toHaveAttribute("aria-invalid", "true");
  // Another day has other arrivals.
  await page.goto(`${address}&carrier=EK&arrive_before=${instant}`);
  await page.getByRole("navigation", { name: "Days" }).getByRole("listitem").last().getByRole("button").click();
  await expect(page).not.toHaveURL(/arrive_before/);
  await expect(page).toHaveURL(/carrier=EK/);
});

test("the details of an option open and close by keyboard", async ({ page, world }) => {
  const { address, early } = await offered(world, 67);
  await page.goto(address);
  const details = page.getByRole("button", { name: `Details ${early.flight_number}` });
  await expect(details).toHaveAttribute("aria-expanded", "false");
  await details.focus();
  await page.keyboard.press("Enter");
  await expect(details).toHaveAttribute("aria-expanded", "true");
  const shown = page.locator(`[id="${await details.getAttribute("aria-controls")}"]`);
  await expect(shown.getByRole("link", { name: early.flight_number })).toHaveAttribute("href", `/flights/${early.id}`);
  await expect(shown).toContainText("Cut-off");
  await expect(shown).toContainText("5,000 kg left of 5,000 kg");
  await expect(shown).toContainText("Carriage");
  await expect(details).toBeFocused();
  await page.keyboard.press("Enter");
  await expect(details).toHaveAttribute("aria-expanded", "false");
  await expect(shown).toHaveCount(0);
});

test("a price for a kilogram is that of the weight that was searched for", async ({ page, world }) => {
  const { address, early } = await offered(world, 69);
  await page.goto(address);
  const result = await world.anonymous().post("/api/v1/routes/search", {
    origin: "TRV",
    destination: "CJB",
    departure_date: early.departure_local.slice(0, 10),
    weight_kg: WEIGHT,
    price: true,
  });
  const { amount } = result.direct_flights.find((flight: Json) => flight.id === early.id).price.total;
  const line = lines(page).filter({ hasText: early.flight_number });
  await expect(line).toContainText(Number(amount).toLocaleString("en-GB", { minimumFractionDigits: 2 }));
  await expect(line).toContainText((Number(amount) / WEIGHT).toFixed(2));
  // Without a weight nothing is priced.
  await page.goto(address.replace(/&weight=\d+/, ""));
  await expect(lines(page).first()).toBeVisible();
  await expect(page.getByRole("columnheader", { name: "Price" })).toHaveCount(0);
});

test("options are sound in both themes as cards and as lines, with details and reasons", async ({ page, world }) => {
  const { address, early, full } = await offered(world, 71);
  for (const width of [360, 800, 1280])
    for (const colorScheme of ["light", "dark"] as const) {
      await page.setViewportSize({ width, height: 800 });
      await page.emulateMedia({ colorScheme });
      await page.goto(address);
      await page.getByRole("button", { name: `Details ${early.flight_number}` }).click();
      await page.getByRole("button", { name: `Details ${full.flight_number}` }).click();
      await expect(page.getByText("Cut-off")).toHaveCount(2);
      expect(await violationsOf(page)).toEqual([]);
      const overflow = await page.evaluate(
        () => document.documentElement.scrollWidth - document.documentElement.clientWidth,
      );
      expect(overflow, `${width} px`).toBeLessThanOrEqual(0);
      const isPhone = width === 360;
      await expect(page.locator("thead").first()).toBeVisible({ visible: !isPhone });
      // A card shows the flights above all else.
      const line = page.locator("tr").filter({ hasText: early.flight_number }).first();
      const [card, number] = await Promise.all([line.boundingBox(), line.locator("th").boundingBox()]);
      if (isPhone) expect((number?.y ?? Infinity) - (card?.y ?? 0)).toBeLessThan(20);
      else expect(card?.height).toBeLessThan(34);
    }
});

test("where tariffs have products, an option shows the price of each, and one click books it", async ({
  page,
  world,
}) => {
  const admin = await world.admin();
  const flight = await world.flight("IXZ", "TRV", 100, 5000);
  // Of a lane that no other test searches.
  const tariff = (product: string, normal: string) =>
    admin.post("/api/v1/tariffs", {
      ...{ code: `T${randomInt(100_000, 999_999)}`, origin: "IXZ", destination: "TRV", product },
      ...{ currency: "USD", minimum: "0", normal, breaks: [], valid_from: "2020-01-01" },
    });
  const [general, express, same] = [
    await tariff("GENERAL", "2"),
    await tariff("EXPRESS", "3.5"),
    await tariff("SAME", "2"),
  ];
  try {
    const customer = await world.customer();
    await signIn(page, customer);
    const asked: (string | undefined)[] = [];
    const refused = new Set<string | undefined>();
    await page.route("**/api/v1/routes/search", (route) => {
      const { product } = route.request().postDataJSON() as { product?: string };
      asked.push(product);
      return refused.has(product)
        ? route.fulfill({ status: 500, contentType: "application/problem+json", body: "{}" })
        : route.continue();
    });
    const address = `/?origin=IXZ&destination=TRV&date=${flight.departure_local.slice(0, 10)}&weight=100`;
    await page.goto(address);
    const row = page.getByRole("row").filter({ has: page.getByRole("rowheader", { name: flight.flight_number }) });
    const as = (product: string) => row.getByRole("link", { name: `Book ${flight.flight_number} as ${product}` });
    await expect(as("GENERAL")).toContainText("US$200.00");
    await expect(as("EXPRESS")).toContainText("US$350.00");
    // A product that costs the same has no column, and no product is asked for twice.
    await expect(page.getByRole("columnheader", { name: "EXPRESS" })).toBeVisible();
    await expect.poll(() => asked).toEqual([undefined, "EXPRESS", "SAME"]);
    await expect(page.getByRole("columnheader", { name: "SAME" })).toHaveCount(0);
    expect(await violationsOf(page, { within: ".options" })).toEqual([]);
    // One that cannot be read keeps its column, beside the others.
    refused.add("SAME");
    await page.reload();
    await expect(as("EXPRESS")).toContainText("US$350.00");
    const failed = page.getByRole("columnheader", { name: "SAME" });
    await expect(failed).toBeVisible();
    await expect(row).toContainText("not read");
    refused.clear();
    await failed.getByRole("button", { name: "Try again SAME" }).click();
    await expect(failed).toHaveCount(0);
    await expect(page.getByRole("heading", { level: 2 }).first()).toBeFocused();
    // On a phone they stand within the card.
    await page.setViewportSize({ width: 360, height: 800 });
    await expect(as("EXPRESS")).toBeVisible();
    await expect(as("GENERAL")).toBeVisible();
    await as("EXPRESS").click();
    await expect(page).toHaveURL(/\/book\?.*product=EXPRESS/);
    await page.getByLabel("Pieces").fill("1");
    await page.getByRole("button", { name: "Review" }).click();
    await expect(page.getByRole("main")).toContainText("EXPRESS");
    await expect(page.getByRole("main")).toContainText("US$350.00");
    const [hold] = await customer.get("/api/v1/holds");
    expect(hold).toMatchObject({ product: "EXPRESS", quote: { total: { amount: "350.00", currency: "USD" } } });

    // With one product there is one price, as before.
    for (const { id } of [express, same]) await admin.ask("DELETE", `/api/v1/tariffs/${id}`);
    await page.setViewportSize({ width: 1280, height: 900 });
    const before = asked.length;
    await page.goto(address);
    await expect(row).toContainText("US$200.00");
    await expect(page.getByRole("columnheader", { name: "Per kg" })).toBeVisible();
    await expect(as("GENERAL")).toHaveCount(0);
    await expect(row.getByRole("link", { name: `Book ${flight.flight_number}` })).toBeVisible();
    expect(asked.slice(before).filter(Boolean)).toEqual([]);
  } finally {
    for (const { id } of [general, express, same]) await admin.ask("DELETE", `/api/v1/tariffs/${id}`);
  }
});

test("the searches of products that a newer search abandons are aborted, and each column says that it is read", async ({
  page,
  world,
}) => {
  const admin = await world.admin();
  const flight = await world.flight("IXZ", "CJB", 100, 5000);
  const tariffs: Json[] = [];
  for (const product of ["GENERAL", "EXPRESS"])
    tariffs.push(
      await admin.post("/api/v1/tariffs", {
        ...{ code: `T${randomInt(100_000, 999_999)}`, origin: "IXZ", destination: "CJB", product },
        ...{ currency: "USD", minimum: "0", normal: product === "GENERAL" ? "2" : "3", breaks: [] },
        valid_from: "2020-01-01",
      }),
    );
  try {
    // The first search of the product is not answered.
    let isHeld = true;
    const isOfProduct = (request: Request) => (request.postDataJSON() as Json)?.product === "EXPRESS";
    await page.route("**/api/v1/routes/search", (route) =>
      isHeld && isOfProduct(route.request()) ? undefined : route.continue(),
    );
    await signIn(page, await world.customer());
    const address = `/?origin=IXZ&destination=CJB&date=${flight.departure_local.slice(0, 10)}&weight=`;
    await page.goto(`${address}100`);
    const column = page.getByRole("columnheader", { name: "EXPRESS" });
    await expect(column).toHaveAttribute("aria-busy", "true");
    const aborted = page.waitForEvent("requestfailed", isOfProduct);
    isHeld = false;
    await page.getByLabel("Weight (kg)").fill("200");
    await page.getByRole("button", { name: "Search", exact: true }).click();
    await aborted;
    const as = page.getByRole("link", { name: `Book ${flight.flight_number} as EXPRESS` });
    await expect(as).toContainText("US$600.00");
    await expect(column).toHaveAttribute("aria-busy", "false");
  } finally {
    for (const { id } of tariffs) await admin.ask("DELETE", `/api/v1/tariffs/${id}`);
  }
});
