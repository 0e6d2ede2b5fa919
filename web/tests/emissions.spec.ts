// What freight emits: beside the price of an option, and on the booking and its documents.
import { randomInt } from "node:crypto";
import { expect, showIn, signIn, test } from "./world";

test("emissions stand beside the price and on the booking, as an estimate, in the form of the language", async ({
  page,
  world,
}) => {
  const admin = await world.admin();
  const code = `Q${randomInt(0, 36).toString(36)}${randomInt(0, 36).toString(36)}`.toUpperCase();
  const aircraft = { iata_code: code, name: "Test", manufacturer: "Test", max_cargo_kg: 9000, max_cargo_m3: 90 };
  await admin.ask("POST", "/api/v1/aircraft", { ...aircraft, co2e_kg_per_tkm: 1.2345 });
  const hours = 24 * 83;
  const flight = await world.flight("TRV", "CJB", hours, 5000, { aircraft_code: code });
  const day = flight.departure_local.slice(0, 10);
  const customer = await world.customer();
  const query = `origin=TRV&destination=CJB&departure_date=${day}&weight_kg=500.5`;
  const options = await customer.get(`/api/v1/routes?${query}&sort=emissions`);
  const { emissions } = options.find((option: { flights: { id: string }[] }) => option.flights[0]?.id === flight.id);
  expect(emissions.legs).toEqual([{ distance_km: emissions.legs[0].distance_km, factor: 1.2345, basis: "TYPE" }]);
  const english = `${emissions.co2e_kg} kg CO2e`;

  await page.setViewportSize({ width: 1400, height: 900 });
  await signIn(page, customer, `/?origin=TRV&destination=CJB&date=${day}&weight=500.5`);
  const row = page.getByRole("row").filter({ has: page.getByRole("rowheader", { name: flight.flight_number }) });
  await expect(page.getByRole("columnheader", { name: "Emissions" })).toBeVisible();
  await expect(row.getByRole("cell", { name: english })).toBeVisible();
  await row.getByRole("button", { name: /^Details/ }).click();
  await expect(page.getByText(`Emissions (estimate): ${english}`)).toBeVisible();

  const booking = await world.book(customer, [flight], 500.5);
  for (const address of [`/bookings/${booking.ref_id}`, `/bookings/${booking.ref_id}/documents?show=confirmation`]) {
    await page.goto(address);
    const fact = page.locator("dl > div").filter({ hasText: "Emissions (estimate)" });
    await expect(fact).toContainText(english);
  }
  await page.goto(`/bookings/${booking.ref_id}`);
  await showIn(page, "de");
  const german = page.locator("dl > div").filter({ hasText: "Emissionen (Schätzung)" });
  await expect(german).toContainText(english.replace(".", ","));
  await page.setViewportSize({ width: 360, height: 740 });
  await expect(german).toBeVisible();
});
