// From the hold to the booking: what is entered, what is kept of it, and where a reader is led.
import { expect, signIn, test } from "./world";

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
  await expect(page.getByText("Germany (DE)")).toBeVisible();
  await expect(page.getByText("Bremen")).toBeVisible();
  const [hold] = await customer.get("/api/v1/holds");
  expect(hold.consignee).toMatchObject({ name: "Nordwerk", city: "Bremen", country_code: "DE" });
});
