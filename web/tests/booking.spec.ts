// From the hold to the booking: what is entered, what is kept of it, and where a reader is led.
import { expect, signIn, test, type Json } from "./world";

test("a country is chosen by its name, and the review shows the whole address", async ({ page, world }) => {
  const flight = await world.flight("TRV", "CJB", 35, 1000);
  const customer = await world.customer();
  await signIn(page, customer);
  await page.goto(`/book?flights=${flight.id}&weight=100&pieces=2`);
  const consignee = page.getByRole("group", { name: "Consignee" });
  await consignee.getByLabel("Name").fill("Nordwerk");
  await consignee.getByLabel("City").fill("Bremen");
  // As somebody types who knows no codes.
  await consignee.getByLabel("Country").focus();
  await page.keyboard.type("Germany");
  await expect(consignee.getByLabel("Country")).toHaveValue("DE");
  await page.getByRole("button", { name: "Review" }).click();
  await expect(page.getByRole("heading", { name: "Review" })).toBeVisible();
  await expect(page.getByText("Germany (DE)")).toBeVisible();
  await expect(page.getByText("Bremen")).toBeVisible();
  const [hold] = await customer.get("/api/v1/holds");
  expect(hold.consignee).toMatchObject({ name: "Nordwerk", city: "Bremen", country_code: "DE" });
});

test("focus, announcements and the title follow from the shipment to the booking", async ({ page, world }) => {
  const flight = await world.flight("TRV", "CJB", 37, 1000);
  const customer = await world.customer();
  await signIn(page, customer);
  await page.goto(`/book?flights=${flight.id}&weight=100&pieces=2`);
  await expect(page).toHaveTitle("Book · TRV–CJB · Loadmaster");
  await page.getByRole("button", { name: "Review" }).click();
  await expect(page.getByRole("heading", { name: "Review" })).toBeFocused();
  await expect(page.locator('[aria-live="polite"]')).toContainText("Review what is booked");
  await expect(page).toHaveTitle("Review · TRV–CJB · Loadmaster");
  await page.getByRole("button", { name: "Back" }).click();
  await expect(page.getByRole("heading", { name: "Shipment" })).toBeFocused();
  await page.getByRole("button", { name: "Review" }).click();
  await page.getByRole("button", { name: "Book", exact: true }).click();
  await expect(page.getByRole("heading", { name: "Booked" })).toBeFocused();
  const [{ ref_id }] = await customer.get("/api/v1/bookings");
  await expect(page.locator('[aria-live="polite"]')).toContainText(`Booked: ${ref_id}.`);
  await expect(page).toHaveTitle(`${ref_id} · TRV–CJB · Loadmaster`);
  await page.getByRole("main").getByRole("link", { name: "Booking" }).click();
  await expect(page).toHaveTitle(`${ref_id} · TRV–CJB · Loadmaster`);
  await page.getByRole("link", { name: flight.flight_number }).click();
  await expect(page).toHaveTitle(`${flight.flight_number} · TRV–CJB · Loadmaster`);
});

test("a price names its lines, and what cancelling costs stands beside it", async ({ page, world }) => {
  const flight = await world.flight("CJB", "TRV", 38, 1000);
  const customer = await world.customer();
  await signIn(page, customer);
  await page.goto(`/book?flights=${flight.id}&weight=100&pieces=2`);
  await page.getByRole("button", { name: "Review" }).click();
  const price = page.getByRole("table", { name: "Price" });
  const [hold] = await customer.get("/api/v1/holds");
  const fuel = hold.quote.lines.find((line: Json) => line.code === "MYC");
  await expect(price.getByRole("row").filter({ hasText: "Fuel surcharge · 100 kg at 0.85" })).toContainText(
    fuel.amount.amount,
  );
  await expect(price.getByRole("row")).toHaveCount(hold.quote.lines.length + 1);
  await expect(page.getByRole("region", { name: "If you cancel" })).toContainText(
    "The fee is a part of what was paid.",
  );
});
