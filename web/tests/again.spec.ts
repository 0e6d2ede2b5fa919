// Another booking like one that was made.
import { expect, signIn, test } from "./world";

const MORE = {
  description: "Running shoes",
  awb_number: "098-12345675",
  customer_reference: "PO 17",
  special_handling_codes: ["HEA"],
  volume_m3: 0.9,
  shipper: { name: "Sole Traders", city: "Kochi", country_code: "IN" },
  consignee: { name: "Nordwerk", street: "Am Wall 1", city: "Bremen", country_code: "DE" },
  contacts: [{ name: "Bo", role: "notify", email: "bo@forwarder.example" }],
};

test("a booking is made again with its freight and parties, and with no reference of its own", async ({
  page,
  world,
}) => {
  const [flight, later] = [await world.flight("TRV", "IXM", 30, 1000), await world.flight("TRV", "IXM", 54, 1000)];
  const customer = await world.customer();
  const before = await world.book(customer, [flight], 120.5, MORE);
  await signIn(page, customer);
  await page.goto(`/bookings/${before.ref_id}`);
  await page.getByRole("button", { name: `Again ${before.ref_id}` }).click();
  await expect(page.getByRole("button", { name: `Details ${flight.flight_number}` })).toBeVisible();
  const address = new URL(page.url());
  expect(Object.fromEntries(address.searchParams)).toMatchObject({
    ...{ origin: "TRV", destination: "IXM", pieces: "3", weight: "120.5", volume: "0.9", handling: "HEA" },
    date: flight.departure_local.slice(0, 10),
    again: "1",
  });
  expect(decodeURIComponent(address.href)).not.toMatch(/Sole|Nordwerk|forwarder|shoes/);

  // Another day is looked at meanwhile.
  await page.goto(
    `/?${address.searchParams.toString().replace(/date=[^&]*/, `date=${later.departure_local.slice(0, 10)}`)}`,
  );
  const option = page.getByRole("row").filter({ hasText: later.flight_number });
  await option.getByRole("link", { name: "Book" }).click();
  await expect(page.getByRole("group", { name: "Shipper" }).getByLabel("Name")).toHaveValue("Sole Traders");
  await expect(page.getByLabel("Contents")).toHaveValue("Running shoes");
  await expect(page.getByLabel("Air waybill number")).toHaveValue("");
  await expect(page.getByLabel("Your reference")).toHaveValue("");
  await expect(page.getByRole("group", { name: "Contact" }).getByLabel("E-mail")).toHaveValue("bo@forwarder.example");
  await page.getByRole("button", { name: "Review" }).click();
  await page.getByRole("button", { name: "Book", exact: true }).click();
  await expect(page.getByRole("heading", { name: "Booked" })).toBeVisible();
  const bookings = await customer.get("/api/v1/bookings");
  expect(bookings).toHaveLength(2);
  const made = bookings.find((one: { ref_id: string }) => one.ref_id !== before.ref_id);
  expect(made).toMatchObject({
    ...{ flight_ids: [later.id], pieces: 3, weight_kg: 120.5, volume_m3: 0.9, special_handling_codes: ["HEA"] },
    ...{ description: "Running shoes", awb_number: null, customer_reference: null },
    shipper: MORE.shipper,
    consignee: MORE.consignee,
  });
});

test("the list begins a booking again, and neither another lane nor a booking of its own has anything of it", async ({
  page,
  world,
}) => {
  const flight = await world.flight("TRV", "IXM", 31, 1000);
  const other = await world.flight("IXM", "TRV", 33, 1000);
  const customer = await world.customer();
  const before = await world.book(customer, [flight], 100, { ...MORE, awb_number: null });
  await signIn(page, customer, "/bookings");
  await page
    .getByRole("row")
    .filter({ hasText: before.ref_id })
    .getByRole("button", { name: `Again ${before.ref_id}` })
    .click();
  await expect(page).toHaveURL(/origin=TRV&destination=IXM/);
  await page.goto(`/book?flights=${other.id}&origin=IXM&destination=TRV&weight=100&pieces=2&again=1`);
  await expect(page.getByRole("heading", { name: "Shipment" })).toBeVisible();
  await expect(page.getByRole("group", { name: "Shipper" }).getByLabel("Name")).toHaveValue("");
  await page.goto(`/book?flights=${flight.id}&origin=TRV&destination=IXM&weight=90&pieces=2`);
  await expect(page.getByRole("heading", { name: "Shipment" })).toBeVisible();
  await expect(page.getByRole("group", { name: "Shipper" }).getByLabel("Name")).toHaveValue("");
  await page.goto(`/book?flights=${flight.id}&origin=TRV&destination=IXM&weight=100&pieces=2&again=1`);
  await expect(page.getByRole("group", { name: "Shipper" }).getByLabel("Name")).toHaveValue("Sole Traders");
});
