import type { Locator, Page } from "@playwright/test";
import { expect, signIn, test, type Json } from "./world";

const inHours = (hours: number) => new Date(Date.now() + hours * 3_600_000).toISOString().slice(0, 10);

test("a full flight says why, in kilograms, and what helps", async ({ page, world }) => {
  const flight = await world.flight("TRV", "CJB", 30, 680);
  await world.book(await world.operator(), [flight], 500);
  await page.goto(`/?origin=TRV&destination=CJB&date=${flight.departure_local.slice(0, 10)}&weight=500&pieces=2`);
  const refused = page.locator("tr").filter({ hasText: flight.flight_number });
  await expect(refused).toContainText(`${flight.flight_number} has 180 kg left, you asked for 500 kg.`);
  await refused.getByRole("button", { name: "Ask for 180 kg" }).click();
  await expect(page.getByLabel("Weight (kg)")).toHaveValue("180");
  await expect(
    page.locator("tr").filter({ hasText: flight.flight_number }).getByRole("link", { name: /Book/ }),
  ).toBeVisible();
  const result = await world
    .anonymous()
    .get(
      `/api/v1/routes?origin=TRV&destination=CJB&departure_date=${flight.departure_local.slice(0, 10)}&weight_kg=500`,
    );
  expect(result.find((option: Json) => option.flights[0].id === flight.id).reasons).toContain("weight_exceeded");
});

test("the strip of days shows the figures of seven searches", async ({ page, world }) => {
  const first = inHours(24);
  await page.goto(`/?origin=DEL&destination=LHR&date=${first}&weight=500`);
  const strip = page.getByRole("navigation", { name: "Days" });
  await expect(strip.getByRole("listitem")).toHaveCount(7);
  await expect(strip.getByRole("listitem").nth(1)).toContainText("options");
  for (let day = 0; day < 7; day += 1) {
    const date = new Date(Date.parse(first) + (day - 1) * 86_400_000).toISOString().slice(0, 10);
    const options = await world
      .anonymous()
      .get(`/api/v1/routes?origin=DEL&destination=LHR&departure_date=${date}&weight_kg=500&limit=200`);
    const bookable = options.filter((option: Json) => option.bookable).length;
    const words =
      bookable === options.length
        ? `${bookable} ${bookable === 1 ? "option" : "options"}`
        : bookable > 0
          ? `${bookable} of ${options.length} options`
          : /full|not bookable/;
    await expect(strip.getByRole("listitem").nth(day)).toContainText(options.length === 0 ? "no flights" : words);
    // The roomiest option that can be booked, by the least of its flights: a flight after its cut-off may have more room.
    const offered = bookable > 0 ? options.filter((option: Json) => option.bookable) : options;
    const room = Math.max(0, ...offered.map((option: Json) => option.available.weight_kg));
    if (options.length > 0)
      await expect(strip.getByRole("listitem").nth(day)).toContainText(`${room.toLocaleString("en-GB")} kg left`);
  }
});

test("a name that is typed is asked for once a pause, and a search once", async ({ page }) => {
  const asked: string[] = [];
  page.on("request", (request) => {
    const path = new URL(request.url()).pathname;
    if (["/api/v1/airports/search", "/api/v1/routes/search", "/api/v1/routes/days"].includes(path)) asked.push(path);
  });
  await page.goto("/");
  for (const [label, text] of [
    ["From", "thiruvan"],
    ["To", "coimbat"],
  ] as const) {
    await page.getByLabel(label, { exact: true }).pressSequentially(text, { delay: 30 });
    await page.getByRole("listbox").getByRole("option").first().click();
  }
  expect(asked).toEqual(["/api/v1/airports/search", "/api/v1/airports/search"]);
  await page.getByRole("button", { name: "Search" }).click();
  await expect(page.getByRole("navigation", { name: "Days" }).getByRole("listitem")).toHaveCount(7);
  await page.waitForLoadState("networkidle");
  expect(asked.splice(2).sort()).toEqual(["/api/v1/routes/days", "/api/v1/routes/search"]);
  // What was found for a text is known, also in another field.
  await page.getByLabel("To", { exact: true }).fill("thiruvan");
  await expect(page.getByRole("listbox").getByRole("option").first()).toBeVisible();
  // The same search anew is one search, and neither an order nor a filter is any.
  await page.keyboard.press("Escape");
  await page.getByLabel("Order").selectOption("Shortest");
  await page.getByLabel("Direct only").check();
  await page.waitForLoadState("networkidle");
  expect(asked.slice(2)).toEqual([]);
});

test("a code that is typed over an airport is what Enter searches for, and a text that fits several opens the list", async ({
  page,
}) => {
  await page.goto(`/?origin=TRV&destination=CJB&date=${inHours(48)}&weight=100`);
  const from = page.getByRole("combobox", { name: "From" });
  await expect(from).toHaveValue(/TRV/);
  await from.fill("DEL");
  await from.press("Enter");
  await expect(page).toHaveURL(/origin=DEL/);
  await expect(from).toHaveValue(/DEL/);
  await from.fill("london");
  await from.press("Enter");
  await expect(page.getByRole("listbox").getByRole("option").nth(1)).toBeVisible();
  await expect(page).toHaveURL(/origin=DEL/);
});

test("a search takes a city, and its options name their airports", async ({ page, world }) => {
  const [heathrow, stansted] = [await world.flight("LHR", "TRV", 50, 500), await world.flight("STN", "TRV", 50, 500)];
  const date = heathrow.departure_local.slice(0, 10);
  await page.goto("/");
  const from = page.getByRole("combobox", { name: "From" });
  await from.fill("london");
  await page.getByRole("option", { name: /^LON London, GB · all airports: LHR, / }).click();
  await expect(from).toHaveValue("LON · London");
  const to = page.getByRole("combobox", { name: "To" });
  await to.fill("TRV");
  await to.press("Tab");
  await page.getByLabel("Departure", { exact: true }).fill(date);
  await page.getByRole("button", { name: "Search", exact: true }).click();
  await expect(page).toHaveURL(/origin=LON&destination=TRV/);
  const row = (flight: Json) => page.locator("tr").filter({ hasText: flight.flight_number });
  await expect(row(heathrow)).toContainText("LHR");
  await expect(row(stansted)).toContainText("STN");
  await expect(page.getByRole("navigation", { name: "Days" }).getByRole("listitem").nth(1)).toContainText("options");
  // A history of prices is of a lane between airports.
  await expect(page.getByRole("button", { name: "Price history" })).toHaveCount(0);
  await page.reload();
  await expect(from).toHaveValue("LON · London");
  await expect(row(stansted)).toContainText("STN");
});

test("another name of a city finds its airport", async ({ page }) => {
  await page.goto("/");
  const from = page.getByRole("combobox", { name: "From" });
  await from.fill("Muenchen");
  await page.getByRole("option", { name: /^MUC Munich \(Muenchen\)/ }).click();
  await expect(from).toHaveValue("MUC · Munich");
});

test("a field says that nothing is found only when it was asked", async ({ page }) => {
  let answer: () => void = () => undefined;
  const answered = new Promise<void>((resolve) => (answer = resolve));
  await page.route("**/airports/search?*", async (route) => {
    await answered;
    await route.continue();
  });
  await page.goto("/");
  const from = page.getByRole("combobox", { name: "From" });
  const nothing = page.locator(".choices").getByText("No airport found.");
  const asks = page.waitForRequest(/airports\/search/);
  await from.pressSequentially("zzzzq");
  await asks;
  await expect(nothing).toBeHidden();
  answer();
  await expect(nothing).toBeVisible();
  await expect(page.getByRole("option", { name: "No airport found." })).toHaveCount(0);
  await page.unroute("**/airports/search?*");
  await page.route("**/airports/search?*", (route) => route.fulfill({ status: 500, body: "{}" }));
  const refused = page.waitForResponse(/airports\/search/);
  await from.fill("coimb");
  await (await refused).finished();
  await expect(nothing).toBeHidden();
});

/** Goes to an element as somebody without a mouse does. */
async function tabTo(page: Page, element: Locator): Promise<void> {
  await expect(element).toBeVisible();
  for (let steps = 0; steps < 200; steps += 1) {
    if (await element.evaluate((it) => it === document.activeElement)) return;
    await page.keyboard.press("Tab");
  }
  throw new Error("it cannot be reached by keyboard");
}

test("from search to a booking by keyboard alone", async ({ page, world }) => {
  const customer = await world.customer();
  await signIn(page, customer);
  await tabTo(page, page.getByLabel("From"));
  await page.keyboard.type("delhi");
  await expect(page.getByRole("listbox").getByRole("option").first()).toBeVisible();
  await page.keyboard.press("ArrowDown");
  await page.keyboard.press("Enter");
  await expect(page.getByLabel("From")).toHaveValue(/DEL/);
  await page.keyboard.press("Tab");
  await page.keyboard.type("LHR");
  await expect(page.getByRole("listbox").getByRole("option", { name: /LHR/ })).toBeVisible();
  await page.keyboard.press("ArrowDown");
  await page.keyboard.press("Enter");
  await tabTo(page, page.getByLabel("Weight (kg)"));
  await page.keyboard.type("120");
  await page.keyboard.press("Enter");
  const book = page
    .getByRole("main")
    .getByRole("link", { name: /^Book / })
    .first();
  await tabTo(page, book);
  await page.keyboard.press("Enter");
  await expect(page.getByRole("timer")).toBeVisible();
  await tabTo(page, page.getByLabel("Pieces"));
  await page.keyboard.type("2");
  await page.keyboard.press("Enter");
  await tabTo(page, page.getByRole("button", { name: "Book", exact: true }));
  await page.keyboard.press("Enter");
  await expect(page.getByRole("heading", { name: "Booked" })).toBeVisible();
  const reference = await page.locator("main strong").first().innerText();
  const booking = await customer.get(`/api/v1/bookings/${reference}`);
  expect(booking).toMatchObject({ origin: "DEL", destination: "LHR", weight_kg: 120, pieces: 2, status: "BOOKED" });
});

test("two clicks on Book, the first answer lost: the page tries again by itself, and makes one booking", async ({
  page,
  world,
}) => {
  const flight = await world.flight("TRV", "CJB", 40, 1000);
  const customer = await world.customer();
  await signIn(page, customer);
  await page.goto(`/book?flights=${flight.id}&weight=100&pieces=2`);
  await page.getByRole("button", { name: "Review" }).click();
  let lost = 0;
  await page.route("**/commit", async (route) => {
    if (lost++ > 0) return route.continue();
    await route.fetch();
    return route.abort();
  });
  await page.getByRole("button", { name: "Book", exact: true }).dblclick();
  await expect(page.getByRole("alert")).toContainText("tries again by itself");
  // It does.
  await expect(page.getByRole("heading", { name: "Booked" })).toBeVisible();
  expect(await customer.get("/api/v1/bookings")).toHaveLength(1);
});

test("a hold that runs out before the eyes ends clearly and gives its room back", async ({ page, world }) => {
  const flight = await world.flight("TRV", "CJB", 50, 1000);
  const customer = await world.customer();
  const hold = await customer.post("/api/v1/holds", { flight_ids: [flight.id], weight_kg: 400, ttl_seconds: 10 });
  await signIn(page, customer);
  await page.goto(`/book?flights=${flight.id}&weight=400&pieces=1&hold=${hold.id}`);
  await expect(page.getByRole("timer")).toBeVisible();
  await expect(page.getByRole("alert")).toContainText("The time is up", { timeout: 20_000 });
  const room = await customer.get(`/api/v1/flights/${flight.id}/availability`);
  expect(room.available.weight_kg).toBe(1000);
  await page.getByRole("button", { name: "Hold again" }).click();
  await expect(page.getByRole("timer")).toBeVisible();
});

test("a payment that is decided later keeps the room, and becomes one booking", async ({ page, world }) => {
  const flight = await world.flight("TRV", "CJB", 55, 1000);
  const customer = await world.customer();
  await signIn(page, customer);
  await page.goto(`/book?flights=${flight.id}&weight=100&pieces=2`);
  await page.getByRole("button", { name: "Review" }).click();
  await page.getByLabel("Pay now").check();
  await page.getByLabel("Test card").selectOption("tok_declined");
  await page.getByRole("button", { name: "Book", exact: true }).click();
  await expect(page.getByRole("alert")).toContainText(/declined/i);
  await page.getByLabel("Test card").selectOption("tok_confirm");
  await page.getByRole("button", { name: "Book", exact: true }).click();
  await expect(page.getByRole("status").filter({ hasText: "has not decided yet" })).toBeVisible({ timeout: 20_000 });
  await expect(page.getByRole("button", { name: "Confirm the payment" })).toBeVisible();
  const [hold] = await customer.get("/api/v1/holds?status=COMMITTING");
  await (await world.admin()).post(`/api/v1/test-payments/${hold.payment.provider_reference}/confirm`);
  await expect(page.getByRole("heading", { name: "Booked" })).toBeVisible({ timeout: 20_000 });
  const bookings = await customer.get("/api/v1/bookings");
  expect(bookings).toHaveLength(1);
  expect(bookings[0].payment_status).toBe("COMPLETED");
});

test("the strip moves to earlier and later days, and back with another day", async ({ page }) => {
  await page.goto(`/?origin=DEL&destination=LHR&date=${inHours(24 * 20)}&weight=500`);
  const strip = page.getByRole("navigation", { name: "Days" });
  const first = strip.getByRole("listitem").first();
  const before = await first.innerText();
  await strip.getByRole("button", { name: "Later days" }).click();
  await expect(first).not.toContainText(before.split("\n")[0] ?? "");
  await strip.getByRole("button", { name: "Earlier days" }).click();
  await expect(first).toContainText(before.split("\n")[0] ?? "");
});

test("a search without a weight asks for it before room is held", async ({ page, world }) => {
  const flight = await world.flight("TRV", "CJB", 33, 1000);
  await signIn(page, await world.customer());
  await page.goto(`/?origin=TRV&destination=CJB&date=${flight.departure_local.slice(0, 10)}`);
  await page.getByRole("row").filter({ hasText: flight.flight_number }).getByRole("link", { name: /^Book/ }).click();
  // Until it is there, the page of the search shows a weight too.
  const hold = page.getByRole("button", { name: "Hold room" });
  await hold.click();
  await expect(page.getByText("Enter the weight in kg.")).toBeVisible();
  await expect(page.getByLabel("Weight (kg)")).toBeFocused();
  await page.getByLabel("Weight (kg)").fill("120,5");
  await hold.click();
  await expect(page.getByRole("timer")).toBeVisible();
  const room = await world.anonymous().get(`/api/v1/flights/${flight.id}/availability`);
  expect(room.held.weight_kg).toBe(120.5);
});

test("what was entered for a hold is there again after a reload", async ({ page, world }) => {
  const flight = await world.flight("TRV", "CJB", 34, 1000);
  const customer = await world.customer();
  await signIn(page, customer);
  await page.goto(`/book?flights=${flight.id}&weight=1000&pieces=2`);
  await page.getByLabel("Contents").fill("Machine parts");
  await page.getByRole("group", { name: "Consignee" }).getByLabel("Name").fill("Northern Tools");
  // Nothing of it was sent yet.
  await page.reload();
  await expect(page.getByLabel("Contents")).toHaveValue("Machine parts");
  await expect(page.getByRole("group", { name: "Consignee" }).getByLabel("Name")).toHaveValue("Northern Tools");
  await page.getByRole("button", { name: "Review" }).click();
  await expect(page.getByText("Northern Tools")).toBeVisible();
  await page.reload();
  await expect(page.getByLabel("Contents")).toHaveValue("Machine parts");
  await page.getByRole("button", { name: "Review" }).click();
  await page.getByRole("button", { name: "Book", exact: true }).click();
  await expect(page.getByRole("heading", { name: "Booked" })).toBeVisible();
  const [booking, ...others] = await customer.get("/api/v1/bookings");
  expect(others).toEqual([]);
  expect(booking).toMatchObject({ weight_kg: 1000, description: "Machine parts" });
  expect(booking.consignee.name).toBe("Northern Tools");
  // The address still names the hold: it has become the booking.
  await page.reload();
  await expect(page.getByRole("heading", { name: "Booked" })).toBeVisible();
});

test("an airport that is typed faster than it is found is not another one", async ({ page }) => {
  await page.goto("/");
  await page.route("**/airports/search**", async (route) => {
    await new Promise((resolve) => setTimeout(resolve, 400));
    await route.continue();
  });
  const from = page.getByRole("combobox", { name: "From" });
  await from.fill("LHR");
  await expect(page.getByRole("listbox").getByRole("option", { name: /LHR/ })).toBeVisible();
  await from.fill("trivandrum");
  await page.keyboard.press("Tab");
  await expect(from).toHaveValue(/TRV/);
  await expect(page.getByRole("listbox")).toBeHidden();
});

/** Keeps the bodies of searches, which the browser's protocol does not show; returns what reads the last one. */
async function keepSearches(page: Page): Promise<() => Promise<unknown>> {
  await page.addInitScript(() => {
    const send = window.fetch.bind(window);
    const searches: unknown[] = [];
    Object.assign(window, { searches });
    window.fetch = async (input, init) => {
      if (input instanceof Request && input.url.endsWith("/routes/search")) searches.push(await input.clone().json());
      return send(input, init);
    };
  });
  return () => page.evaluate(() => (window as unknown as { searches: unknown[] }).searches.at(-1));
}

test("a search that is shared asks for the same freight in every language", async ({ page, browser, world }) => {
  const flight = await world.flight("TRV", "CJB", 36, 5000);
  await page.goto(`/?origin=TRV&destination=CJB&date=${flight.departure_local.slice(0, 10)}`);
  await page.getByLabel("Weight (kg)").fill("1,200.5");
  await page.getByRole("button", { name: "Search" }).click();
  await expect(page).toHaveURL(/weight=1200\.5(&|$)/);
  const context = await browser.newContext({ baseURL: world.url, locale: "de-DE" });
  const german = await context.newPage();
  const lastSearch = await keepSearches(german);
  await german.goto(page.url());
  await expect.poll(lastSearch).toMatchObject({ weight_kg: 1200.5 });
  await expect(german.getByLabel("Gewicht (kg)")).toHaveValue("1200,5");
  await context.close();
});

test("handling codes are picked by their names, and a fault is said once, in words", async ({ page, world }) => {
  const flight = await world.flight("TRV", "CJB", 39, 1000);
  const lastSearch = await keepSearches(page);
  await page.goto(`/?origin=TRV&destination=CJB&date=${flight.departure_local.slice(0, 10)}`);
  await page.getByLabel("Handling codes").selectOption("PER · Perishable cargo");
  await page.getByLabel("Handling codes").selectOption("HEA · Heavy cargo, 150 kg and over per piece");
  await page.getByRole("button", { name: "Remove HEA" }).click();
  await page.getByLabel("Weight (kg)").fill("0");
  await page.getByRole("button", { name: "Search" }).click();
  await expect(page).toHaveURL(/handling=PER(&|$)/);
  await expect(page.getByLabel("Weight (kg)")).toHaveAttribute("aria-invalid", "true");
  await expect(page.getByRole("alert")).toHaveText("Check the marked field.");
  await page.getByLabel("Weight (kg)").fill("50");
  await page.getByRole("button", { name: "Search" }).click();
  await expect.poll(lastSearch).toMatchObject({ weight_kg: 50, special_handling_codes: ["PER"] });
});

test("the waitlist is offered only for what the flight could hold, and codes and times stay whole", async ({
  page,
  world,
}) => {
  const flight = await world.flight("TRV", "CJB", 41, 680);
  await world.book(await world.operator(), [flight], 500);
  // The zone of the station comes late: no other one is shown meanwhile.
  let answer: () => void = () => undefined;
  const late = new Promise<void>((resolve) => (answer = resolve));
  await page.route("**/api/v1/airports/TRV", async (route) => {
    await late;
    await route.continue();
  });
  await page.setViewportSize({ width: 360, height: 800 });
  const search = `/?origin=TRV&destination=CJB&date=${flight.departure_local.slice(0, 10)}`;
  await page.goto(`${search}&weight=500`);
  const option = page.locator("tr").filter({ hasText: flight.flight_number });
  await expect(option.getByRole("link", { name: "Join the waitlist" })).toBeVisible();
  const departs = option.locator(`time[datetime="${flight.departure_datetime}"]`).first();
  await expect(departs).toBeHidden();
  answer();
  await expect(departs).toContainText("IST");
  await expect(departs).toBeVisible();
  await option.getByRole("button", { name: /^Details/ }).click();
  // One line, however narrow its place is.
  const lines = await page
    .getByRole("listitem")
    .getByText("TRV", { exact: true })
    .evaluate((code) => code.getClientRects().length);
  expect(lines).toBe(1);
  await page.goto(`${search}&weight=700`);
  await expect(option).toContainText("you asked for 700 kg");
  await expect(option.getByRole("link", { name: "Join the waitlist" })).toHaveCount(0);
});

test("the waitlist is not offered for a flight that gets no offers any more", async ({ page, world }) => {
  const { limits } = await world.anonymous().get("/api/v1/info");
  expect(limits.waitlist_closes_minutes).toBe(30);
  // They leave together; the cut-off of one is in 20 minutes.
  const closed = await world.flight("TRV", "CJB", 20, 500, { cutoff_minutes: 20 * 60 - 20 });
  const open = await world.flight("TRV", "CJB", 20, 500);
  const operator = await world.operator();
  for (const flight of [closed, open]) await world.book(operator, [flight], 400);
  await page.goto(`/?origin=TRV&destination=CJB&date=${open.departure_local.slice(0, 10)}&weight=200`);
  const option = (flight: Json) => page.locator("tr").filter({ hasText: flight.flight_number });
  const link = { name: "Join the waitlist" };
  await expect(option(open).getByRole("link", link)).toBeVisible();
  await expect(option(closed)).toContainText("you asked for 200 kg");
  await expect(option(closed).getByRole("link", link)).toHaveCount(0);
});

test("what is typed before the application is there keeps the focus, so that no key acts as a shortcut", async ({
  page,
}) => {
  let release: () => void = () => undefined;
  const released = new Promise<void>((resolve) => (release = resolve));
  await page.route("**/assets/*.js", async (route) => {
    await released;
    await route.continue();
  });
  // Notes what has the focus in the first task after the shell was replaced: the next key would go there.
  await page.addInitScript(() => {
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = () => (document.documentElement.dataset["next"] = document.activeElement?.tagName ?? "");
    const seen = new MutationObserver((records) => {
      if (!records.some(({ target, removedNodes }) => (target as Element).id === "console" && removedNodes.length > 0))
        return;
      seen.disconnect();
      port2.postMessage(null);
    });
    seen.observe(document, { childList: true, subtree: true });
  });
  await page.goto("/", { waitUntil: "commit" });
  const from = page.getByLabel("From", { exact: true }).and(page.locator("input"));
  await from.pressSequentially("thiruvan");
  release();
  await expect(page.locator("html")).toHaveAttribute("data-next", "INPUT");
  await page.keyboard.type("b");
  await expect(from).toHaveValue("thiruvanb");
  await expect(page).toHaveURL(/\/$/);
});

test("an order or a filter leaves what is typed for the next search", async ({ page }) => {
  await page.goto(`/?origin=DEL&destination=LHR&date=${inHours(48)}&weight=500`);
  await expect(page.getByLabel("Direct only")).toBeVisible();
  await page.getByLabel("Weight (kg)").fill("750");
  await page.getByLabel("Direct only").check();
  await page.getByLabel("Order").selectOption("Shortest");
  await expect(page).toHaveURL(/direct=true.*sort=/);
  await expect(page.getByLabel("Weight (kg)")).toHaveValue("750");
});
