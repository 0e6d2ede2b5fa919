// Weights in the unit of the account: entered and shown in it, in addresses and the API in kilograms.
import { expect, renewElsewhere, signIn, test, type Caller, type Json } from "./world";

async function choosePounds(customer: Caller): Promise<void> {
  const answer = await customer.ask("PATCH", "/api/v1/auth/me", { weight_unit: "lb" });
  expect(answer.status).toBe(200);
}

test("a thousand pounds are searched, held and booked as 453.6 kg", async ({ page, world }) => {
  const flight = await world.flight("TRV", "CJB", 41, 5000);
  const customer = await world.customer();
  await choosePounds(customer);
  const date = flight.departure_local.slice(0, 10);
  await signIn(page, customer);
  await page.goto(`/?origin=TRV&destination=CJB&date=${date}`);
  await page.getByLabel("Weight (lb)").fill("1000");
  await page.getByRole("button", { name: "Search" }).click();
  await expect(page).toHaveURL(/[?&]weight=453\.6(&|$)/);
  await expect(page.getByLabel("Weight (lb)")).toHaveValue("1000");
  await expect(page.getByRole("columnheader", { name: "Per lb" }).first()).toBeVisible();
  const option = page.locator("tr").filter({ hasText: flight.flight_number });
  await option.getByRole("button", { name: /Details/ }).click();
  // 5,000 kg, rounded down to a tenth.
  await expect(page.getByText("11,023.1 lb left of 11,023.1 lb").first()).toBeVisible();
  await option.getByRole("link", { name: /Book/ }).click();
  await expect(page.getByText("1,000 lb are held for you:")).toBeVisible();
  await page.getByLabel("Pieces").fill("2");
  await page.getByRole("button", { name: "Review" }).click();
  const [hold] = await customer.get("/api/v1/holds");
  expect(hold.weight_kg).toBe(453.6);
  await page.getByRole("button", { name: "Book", exact: true }).click();
  await expect(page.getByRole("heading", { name: "Booked" })).toBeFocused();
  const [booking] = await customer.get("/api/v1/bookings");
  expect(booking.weight_kg).toBe(453.6);
  await page.goto("/bookings");
  await expect(page.getByRole("row").filter({ hasText: booking.ref_id })).toContainText("2 pieces, 1,000 lb");
});

test("a weight is amended in pounds, and one that is not touched stays to the tenth of a kilogram", async ({
  page,
  world,
}) => {
  const flight = await world.flight("TRV", "CJB", 43, 5000);
  const customer = await world.customer();
  await choosePounds(customer);
  const booking = await world.book(customer, [flight], 100);
  await signIn(page, customer, `/bookings/${booking.ref_id}`);
  const amended = async () => (await customer.get(`/api/v1/bookings/${booking.ref_id}`)) as Json;
  const dialog = page.getByRole("dialog");
  await page.getByRole("button", { name: "Amend" }).click();
  await expect(dialog.getByLabel("Weight (lb)")).toHaveValue("220.4");
  await dialog.getByLabel("Contents").fill("Shoes");
  await dialog.getByRole("button", { name: "Save" }).click();
  await expect(dialog).toBeHidden();
  expect(await amended()).toMatchObject({ description: "Shoes", weight_kg: 100 });
  await page.getByRole("button", { name: "Amend" }).click();
  await dialog.getByLabel("Weight (lb)").fill("1,000");
  await dialog.getByRole("button", { name: "Save" }).click();
  await expect(dialog).toBeHidden();
  expect(await amended()).toMatchObject({ weight_kg: 453.6 });
});

test("the unit is chosen on the account page, and kept after a reload and a new sign-in", async ({ page, world }) => {
  const customer = await world.customer();
  await signIn(page, customer, "/account");
  const unit = page.getByLabel("Weights in");
  await expect(unit).toHaveValue("kg");
  await unit.selectOption("lb");
  const profile = page.locator("section", { has: page.getByRole("heading", { name: "Profile" }) });
  await profile.getByRole("button", { name: "Save" }).click();
  await expect.poll(async () => (await customer.get("/api/v1/auth/me")).weight_unit).toBe("lb");
  await page.goto("/?origin=DEL&destination=LHR&weight=453.6");
  await expect(page.getByLabel("Weight (lb)")).toHaveValue("1000");
  await page.reload();
  await expect(page.getByLabel("Weight (lb)")).toHaveValue("1000");
});

test("what is typed into the search stays when the session is renewed, and another unit converts the weight alone", async ({
  page,
  world,
}) => {
  const customer = await world.customer();
  await signIn(page, customer);
  await page.goto("/?origin=DEL&destination=LHR&weight=100");
  await page.getByLabel("Weight (kg)").fill("453.6");
  await page.getByLabel("Pieces").fill("7");
  await renewElsewhere(page);
  await expect(page.getByLabel("Weight (kg)")).toHaveValue("453.6");
  await choosePounds(customer);
  await renewElsewhere(page);
  await expect(page.getByLabel("Weight (lb)")).toHaveValue("1000");
  await expect(page.getByLabel("Pieces")).toHaveValue("7");
  await expect(page.getByLabel("Volume (m³)")).toHaveAttribute("placeholder", "By the weight");
});

test("a booking is amended in the unit that its form began with, and a weight that nobody touched is not", async ({
  page,
  world,
}) => {
  const flight = await world.flight("TRV", "CJB", 260, 5000);
  const customer = await world.customer();
  const booking = await world.book(customer, [flight], 100);
  await signIn(page, customer, `/bookings/${booking.ref_id}`);
  await page.getByRole("button", { name: "Amend" }).click();
  const dialog = page.getByRole("dialog");
  await expect(dialog.getByLabel("Weight (kg)")).toHaveValue("100");
  await choosePounds(customer);
  await renewElsewhere(page);
  await dialog.getByLabel("Contents").fill("Shoes");
  await dialog.getByRole("button", { name: "Save" }).click();
  await expect(dialog).toBeHidden();
  expect(await customer.get(`/api/v1/bookings/${booking.ref_id}`)).toMatchObject({
    description: "Shoes",
    weight_kg: 100,
  });
});

test("a quote has its weight in pounds", async ({ page, world }) => {
  const { origin, destination, id } = await world.flight("TRV", "CJB", 261, 5000);
  const customer = await world.customer();
  await choosePounds(customer);
  const quote = await customer.post("/api/v1/quotes", { origin, destination, flight_ids: [id], weight_kg: 453.6 });
  await signIn(page, customer, `/quotes/${quote.id}`);
  await expect(page.getByRole("article")).toContainText("1,000 lb");
});

test("a guest has kilograms, in a browser of the United States too", async ({ browser, baseURL }) => {
  const context = await browser.newContext({ locale: "en-US", ...(baseURL ? { baseURL } : {}) });
  const page = await context.newPage();
  await page.goto("/?origin=DEL&destination=LHR&weight=453.6");
  await expect(page.getByLabel("Weight (kg)")).toHaveValue("453.6");
  await context.close();
});
