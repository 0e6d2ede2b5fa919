// Alerts: made from a search, listed, paused, resumed and deleted; each is asserted by what the API says.
import type { Page } from "@playwright/test";
import { expect, signIn, test, type Caller, type Json } from "./world";

const inDays = (days: number) => new Date(Date.now() + days * 86_400_000).toISOString().slice(0, 10);
const LANE = "origin=DEL&destination=LHR";
const form = (page: Page) => page.locator("[data-new-alert]");
const row = (page: Page, alert: Json) => page.locator(`[data-alert="${alert.id}"]`);
const tick = (page: Page, alert: Json) => row(page, alert).getByRole("checkbox").check();
const statusOf = async (caller: Caller, alert: Json) => (await caller.get(`/api/v1/alerts/${alert.id}`)).status;

/** An alert on space, which is on no lane of the demonstration: nothing changes it. */
const onSpace = (caller: Caller, more: object = {}): Promise<Json> =>
  caller.post("/api/v1/alerts", { kind: "SPACE", origin: "IXZ", destination: "CJB", weight_kg: 1200, ...more });

test("the price of a search becomes an alert on a drop, with its lane, date and freight", async ({ page, world }) => {
  const customer = await world.customer();
  const date = inDays(5);
  await signIn(page, customer, `/?${LANE}&date=${date}&weight=300`);
  await page.getByRole("link", { name: "Alert me about this price" }).click();
  await expect(page.getByRole("heading", { name: "Alert on a price" })).toBeVisible();
  await expect(form(page).getByLabel("Departure from")).toHaveValue(date);
  await expect(form(page).getByLabel("Departure until")).toHaveValue(date);
  await expect(form(page).getByLabel("Weight (kg)")).toHaveValue("300");
  await form(page).getByLabel("Drop (%)").fill("20");
  await form(page).getByRole("button", { name: "Create the alert" }).click();
  await expect(page).toHaveURL(/\/alerts$/);
  await expect(page.locator("[data-made]")).toContainText("The alert is active.");
  const [alert, ...others] = await customer.get("/api/v1/alerts");
  expect(others).toEqual([]);
  expect(alert).toMatchObject({
    ...{ kind: "PRICE", origin: "DEL", destination: "LHR", date_from: date, date_to: date },
    ...{ weight_kg: 300, drop_percent: 20, below: null, status: "ACTIVE" },
  });
  await expect(row(page, alert)).toContainText("20 % less");
  await expect(row(page, alert)).toContainText("Active");
  await expect(row(page, alert).getByRole("link", { name: "DEL – LHR", exact: true })).toHaveAttribute(
    "href",
    /weight=300/,
  );
});

test("an amount takes the place of the drop, and faults stand at their fields", async ({ page, world }) => {
  const customer = await world.customer();
  await signIn(page, customer, "/alerts");
  await page.goto(`/alerts?new=PRICE&${LANE}&weight=300&amount=450.00&currency=USD`);
  await form(page).getByLabel("Drop (%)").fill("4");
  await form(page).getByRole("button", { name: "Create the alert" }).click();
  await expect(form(page).getByLabel("Drop (%)")).toHaveAttribute("aria-invalid", "true");
  await expect(form(page).getByLabel("Drop (%)")).toBeFocused();
  await form(page).getByLabel("When the price").selectOption("below");
  await expect(form(page).getByLabel("Total at most")).toHaveValue("450.00");
  await form(page).getByLabel("Currency").fill("XYZ");
  await form(page).getByLabel("Departure from").fill(inDays(4));
  await form(page).getByRole("button", { name: "Create the alert" }).click();
  await expect(form(page).getByLabel("Currency")).toHaveAttribute("aria-invalid", "true");
  await form(page).getByLabel("Currency").fill("usd");
  await form(page).getByRole("button", { name: "Create the alert" }).click();
  // One date without the other.
  await expect(form(page).getByLabel("Departure until")).toHaveAttribute("aria-invalid", "true");
  await form(page).getByLabel("Departure until").fill(inDays(36));
  await form(page).getByRole("button", { name: "Create the alert" }).click();
  await expect(form(page).getByLabel("Departure until")).toHaveAttribute("aria-invalid", "true");
  expect(await customer.get("/api/v1/alerts")).toEqual([]);
  await form(page).getByLabel("Departure until").fill(inDays(6));
  await form(page).getByRole("button", { name: "Create the alert" }).click();
  await expect(page.locator("[data-made]")).toBeVisible();
  const [alert] = await customer.get("/api/v1/alerts");
  expect(alert).toMatchObject({ below: { amount: "450.00", currency: "USD" }, drop_percent: null });
  await expect(row(page, alert)).toContainText("US$450.00 or less");
});

test("a full flight leads to an alert on space; who is not signed in comes back to it", async ({ page, world }) => {
  const flight = await world.flight("TRV", "CJB", 96, 680);
  await world.book(await world.operator(), [flight], 500);
  const customer = await world.customer();
  await page.goto(`/?origin=TRV&destination=CJB&date=${flight.departure_local.slice(0, 10)}&weight=600`);
  const refused = page.locator("tr").filter({ hasText: flight.flight_number });
  await refused.getByRole("link", { name: "Alert me when there is space" }).click();
  await page.locator("main [name=email]").fill(customer.email);
  await page.locator("main [name=password]").fill(customer.password);
  await page.locator("main form [type=submit]").click();
  await expect(page.getByRole("heading", { name: "Alert on space" })).toBeVisible();
  await expect(form(page).getByLabel("Weight (kg)")).toHaveValue("600");
  await expect(form(page).getByLabel("Drop (%)")).toHaveCount(0);
  await form(page).getByRole("button", { name: "Create the alert" }).click();
  await expect(page.locator("[data-made]")).toBeVisible();
  const [alert] = await customer.get("/api/v1/alerts");
  expect(alert).toMatchObject({ kind: "SPACE", origin: "TRV", destination: "CJB", weight_kg: 600, drop_percent: null });
});

test("two clicks, and an answer that is lost, make one alert", async ({ page, world }) => {
  const customer = await world.customer();
  await signIn(page, customer, "/alerts");
  await page.goto("/alerts?new=SPACE&origin=IXZ&destination=CJB&weight=100");
  let isFirst = true;
  await page.route("**/api/v1/alerts", async (route) => {
    if (route.request().method() !== "POST" || !isFirst) return route.continue();
    isFirst = false;
    await route.fetch();
    return route.abort();
  });
  const create = form(page).getByRole("button", { name: "Create the alert" });
  await create.dblclick();
  await expect
    .poll(async () => {
      // It is sent again by itself, too: then the form is gone.
      const isIdle = await create.evaluate((button) => !button.ariaDisabled, null, { timeout: 500 }).catch(() => false);
      if (isIdle) await create.click({ timeout: 1000 }).catch(() => undefined);
      return page.locator("[data-made]").count();
    })
    .toBe(1);
  expect(await customer.get("/api/v1/alerts")).toHaveLength(1);
});

test("an alert is changed, and who changes it after somebody else sees that first", async ({ page, world }) => {
  const customer = await world.customer();
  const alert = await onSpace(customer, { special_handling_codes: ["PER"] });
  await signIn(page, customer, "/alerts");
  await row(page, alert).getByRole("link", { name: "Edit" }).click();
  await expect(form(page).getByLabel("Weight (kg)")).toHaveValue("1200");
  await expect(form(page).getByLabel("Alert on")).toHaveCount(0);
  await form(page).getByLabel("Weight (kg)").fill("1500");
  await form(page).getByLabel("Departure from").fill(inDays(4));
  await form(page).getByRole("button", { name: "Save" }).click();
  // One date without the other.
  await expect(form(page).getByLabel("Departure until")).toHaveAttribute("aria-invalid", "true");
  await form(page).getByLabel("Departure until").fill(inDays(6));
  expect((await customer.ask("PATCH", `/api/v1/alerts/${alert.id}`, { weight_kg: 1300 })).status).toBe(200);
  await form(page).getByRole("button", { name: "Save" }).click();
  await expect(form(page).getByRole("alert")).toContainText("Somebody changed it in the meantime.");
  await expect(row(page, alert)).toContainText("1,300 kg");
  await form(page).getByRole("button", { name: "Save" }).click();
  await expect(page.locator("[data-made]")).toContainText("The alert is saved.");
  await expect(page).toHaveURL(/\/alerts$/);
  await expect(row(page, alert)).toContainText("1,500 kg");
  expect(await customer.get(`/api/v1/alerts/${alert.id}`)).toMatchObject({
    ...{ weight_kg: 1500, date_from: inDays(4), date_to: inDays(6), special_handling_codes: ["PER"], version: 3 },
  });
  // One of somebody else, or none at all.
  await page.goto(`/alerts?edit=${(await onSpace(await world.customer())).id}`);
  await expect(page.locator("main").getByRole("alert")).toContainText("No alerts.");
});

test("the page of a full flight leads to an alert on space for its day, and that of another does not", async ({
  page,
  world,
}) => {
  const [full, free] = [await world.flight("TRV", "CJB", 97, 680), await world.flight("TRV", "CJB", 98, 680)];
  await world.book(await world.operator(), [full], 680);
  const link = page.getByRole("link", { name: "Alert me when there is space" });
  await signIn(page, await world.customer(), `/flights/${full.id}`);
  await expect(link).toHaveAttribute("href", new RegExp(`date=${full.departure_local.slice(0, 10)}`));
  await page.goto(`/flights/${free.id}`);
  await expect(page.getByRole("heading", { name: free.flight_number })).toBeVisible();
  await expect(page.locator("main dl").first()).toBeVisible();
  await expect(link).toHaveCount(0);
  await page.goBack();
  await link.click();
  await expect(page.getByRole("heading", { name: "Alert on space" })).toBeVisible();
  await expect(form(page).getByLabel("Departure from")).toHaveValue(full.departure_local.slice(0, 10));
});

test("many are paused, resumed and deleted at once, and what is refused says why", async ({ page, world }) => {
  const customer = await world.customer();
  const [first, second, third] = [
    await onSpace(customer),
    await onSpace(customer, { weight_kg: 1300 }),
    await onSpace(customer, { weight_kg: 1400 }),
  ];
  await signIn(page, customer, "/alerts");
  await tick(page, first);
  await tick(page, second);
  await page.getByRole("button", { name: "Pause" }).click();
  await expect(page.locator("[data-result]")).toBeFocused();
  await expect(row(page, first)).toContainText("Paused");
  await expect(row(page, third)).toContainText("Active");
  expect([await statusOf(customer, first), await statusOf(customer, third)]).toEqual(["PAUSED", "ACTIVE"]);
  // The filter shows one state, and forgets what was ticked.
  await page.getByLabel("Status").selectOption("PAUSED");
  await expect(row(page, third)).toHaveCount(0);
  await expect(page).toHaveURL(/status=PAUSED/);
  // One is deleted elsewhere meanwhile: it stays ticked no longer than it is shown, and the result names it.
  await tick(page, first);
  await tick(page, second);
  await customer.ask("DELETE", `/api/v1/alerts/${second.id}`);
  await page.getByRole("button", { name: "Resume" }).click();
  await expect(page.locator("[data-refused]").getByRole("listitem")).toHaveCount(1);
  await expect.poll(() => statusOf(customer, first)).toBe("ACTIVE");
  await page.getByLabel("Status").selectOption("");
  await tick(page, first);
  await tick(page, third);
  await page.getByRole("button", { name: "Delete …" }).click();
  await expect(page.getByRole("alert")).toContainText("Delete 2 alerts?");
  await page.getByRole("button", { name: "Delete", exact: true }).click();
  await expect(page.getByText("No alerts.")).toBeVisible();
  expect(await customer.get("/api/v1/alerts")).toEqual([]);
});

test("weights are in the unit of the account", async ({ page, world }) => {
  const customer = await world.customer();
  expect((await customer.ask("PATCH", "/api/v1/auth/me", { weight_unit: "lb" })).status).toBe(200);
  const alert = await onSpace(customer, { weight_kg: 453.6 });
  await signIn(page, customer, "/alerts");
  await expect(row(page, alert)).toContainText("1,000 lb");
  await page.goto("/alerts?new=SPACE&origin=IXZ&destination=CJB&weight=453.6");
  await expect(form(page).getByLabel("Weight (lb)")).toHaveValue("1000");
});

test("an administrator sees the alerts of all, of one organization, and acts on them; a shipper does not", async ({
  browser,
  page,
  world,
}) => {
  const [one, other] = [await world.customer(), await world.customer()];
  const [mine, theirs] = [await onSpace(one), await onSpace(other)];
  await signIn(page, await world.adminOfTests(), "/admin/alerts");
  await expect(row(page, mine)).toBeVisible();
  await expect(row(page, theirs)).toBeVisible();
  await page.goto(`/admin/alerts?organization_id=${mine.organization_id}`);
  await expect(row(page, mine)).toBeVisible();
  await expect(row(page, theirs)).toHaveCount(0);
  await tick(page, mine);
  await page.getByRole("button", { name: "Pause" }).click();
  await expect(row(page, mine)).toContainText("Paused");
  expect(await statusOf(one, mine)).toBe("PAUSED");
  expect(await statusOf(other, theirs)).toBe("ACTIVE");
  // Their own page has none of these.
  await page.goto("/alerts");
  await expect(page.getByText("No alerts.")).toBeVisible();
  const context = await browser.newContext({ baseURL: world.url });
  const stranger = await context.newPage();
  await signIn(stranger, other, "/alerts");
  await expect(row(stranger, theirs)).toBeVisible();
  await expect(row(stranger, mine)).toHaveCount(0);
  await stranger.goto("/admin/alerts");
  await expect(stranger.getByRole("table")).toHaveCount(0);
  await context.close();
});
