import { expect, signIn, test } from "./world";

test("amending a version that is old shows both and loses no typing", async ({ page, world }) => {
  const flight = await world.flight("TRV", "CJB", 120, 1000);
  const customer = await world.customer();
  const booking = await world.book(customer, [flight], 100, { description: "Shoes" });
  await signIn(page, customer, `/bookings/${booking.ref_id}`);
  await page.getByRole("button", { name: "Amend" }).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByLabel("Weight (kg)").fill("150");
  await expect(dialog.getByRole("listitem")).toContainText("100 → 150");
  const answer = await customer.ask("PATCH", `/api/v1/bookings/${booking.ref_id}`, {
    description: "Boots",
    weight_kg: 120,
  });
  expect(answer.status).toBe(200);
  await dialog.getByRole("button", { name: "Save" }).click();
  await expect(dialog.getByRole("alert")).toContainText("Somebody else changed this in the meantime");
  await expect(dialog.getByLabel("Weight (kg)")).toHaveValue("150");
  await expect(dialog.getByText("Now: 120")).toBeVisible();
  await expect(dialog.getByLabel("Contents")).toHaveValue("Boots");
  await dialog.getByRole("button", { name: "Save" }).click();
  await expect(dialog).toBeHidden();
  const now = await customer.get(`/api/v1/bookings/${booking.ref_id}`);
  expect(now).toMatchObject({ weight_kg: 150, description: "Boots" });
});

test("the parties are amended, and a fault of one opens its fields", async ({ page, world }) => {
  const flight = await world.flight("TRV", "CJB", 127, 1000);
  const customer = await world.customer();
  const booking = await world.book(customer, [flight], 100, { shipper: { name: "Sunrise", city: "Delhi" } });
  await signIn(page, customer, `/bookings/${booking.ref_id}`);
  await page.getByRole("button", { name: "Amend" }).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByText("Shipper: Sunrise").click();
  await dialog.getByLabel("Shipper: country").selectOption("India (IN)");
  await dialog.getByLabel("Shipper: e-mail").fill("nobody");
  await dialog.getByText("Shipper: Sunrise").click();
  await dialog.getByRole("button", { name: "Save" }).click();
  await expect(dialog.getByLabel("Shipper: e-mail")).toHaveAttribute("aria-invalid", "true");
  await dialog.getByLabel("Shipper: e-mail").fill("");
  await dialog.getByRole("button", { name: "Save" }).click();
  await expect(dialog).toBeHidden();
  const now = await customer.get(`/api/v1/bookings/${booking.ref_id}`);
  expect(now.shipper).toMatchObject({ name: "Sunrise", city: "Delhi", country_code: "IN" });
});

test("a fault goes to its field, and the dialog stays", async ({ page, world }) => {
  const flight = await world.flight("TRV", "CJB", 130, 1000);
  const customer = await world.customer();
  const booking = await world.book(customer, [flight]);
  await signIn(page, customer, `/bookings/${booking.ref_id}`);
  await page.getByRole("button", { name: "Amend" }).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByLabel("Pieces").fill("0");
  await dialog.getByRole("button", { name: "Save" }).click();
  await expect(dialog.getByLabel("Pieces")).toHaveAttribute("aria-invalid", "true");
  expect((await customer.get(`/api/v1/bookings/${booking.ref_id}`)).pieces).toBe(3);
});

test("cancelling gives the room back", async ({ page, world }) => {
  const flight = await world.flight("TRV", "CJB", 140, 1000);
  const customer = await world.customer();
  const booking = await world.book(customer, [flight], 300);
  await signIn(page, customer, `/bookings/${booking.ref_id}`);
  await page.getByRole("button", { name: "Cancel booking" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Cancel the booking" }).click();
  await expect(page.getByRole("list", { name: "Timeline" })).toContainText("Cancelled");
  expect((await customer.get(`/api/v1/flights/${flight.id}/availability`)).available.weight_kg).toBe(1000);
});

test("a contact is added, and asked whether they agree", async ({ page, world }) => {
  const flight = await world.flight("TRV", "CJB", 86, 1000);
  const customer = await world.customer();
  const booking = await world.book(customer, [flight]);
  await signIn(page, customer, `/bookings/${booking.ref_id}`);
  await page.getByRole("button", { name: "Add a contact" }).click();
  await page.getByLabel("Name").fill("Cora Consignee");
  await page.getByLabel("E-mail").fill("nowhere");
  await page.getByRole("button", { name: "Save", exact: true }).click();
  await expect(page.getByLabel("E-mail")).toHaveAttribute("aria-invalid", "true");
  await page.getByLabel("E-mail").fill("cora@consignee.example");
  await page.getByRole("button", { name: "Save", exact: true }).click();
  await expect(page.getByRole("main")).toContainText("Cora Consignee · Notify party");
  const contacts = await customer.get(`/api/v1/bookings/${booking.ref_id}/contacts`);
  expect(contacts.map((contact: { email: string }) => contact.email)).toEqual(["cora@consignee.example"]);
  await page.getByRole("button", { name: "Remove Cora Consignee" }).click();
  await expect(page.getByRole("main")).toContainText("Nobody else is notified");
  expect(await customer.get(`/api/v1/bookings/${booking.ref_id}/contacts`)).toEqual([]);
});
