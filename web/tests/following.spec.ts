import { expect, signIn, test, type Json } from "./world";

test("a booking's page shows a departure without a reload, in the order of its history", async ({ page, world }) => {
  const flight = await world.flight("TRV", "CJB", 60, 1000);
  const customer = await world.customer();
  const operator = await world.operator();
  const booking = await world.book(customer, [flight]);
  await signIn(page, customer, `/bookings/${booking.ref_id}`);
  await expect(page.getByText("live", { exact: true })).toBeVisible();
  await operator.post(`/api/v1/bookings/${booking.ref_id}/depart`);
  await expect(page.getByRole("list", { name: "Timeline" })).toContainText("Departed", { timeout: 2000 });
  const shown = await page
    .locator("[data-event]")
    .evaluateAll((rows) => rows.map((row) => (row as HTMLElement).dataset["event"]));
  const { timeline } = await customer.get(`/api/v1/bookings/${booking.ref_id}/history`);
  expect(shown).toEqual(timeline.map((event: Json) => event.event_type));
});

test("the tracking page shows no party, and its address works elsewhere", async ({ browser, world }) => {
  const flight = await world.flight("TRV", "CJB", 70, 1000);
  const customer = await world.customer();
  const booking = await world.book(customer, [flight], 100, {
    shipper: { name: "Hidden Sender Ltd" },
    consignee: { name: "Hidden Receiver GmbH" },
  });
  const context = await browser.newContext({ baseURL: world.url });
  const page = await context.newPage();
  await page.goto("/track");
  await page.getByLabel(/Booking reference/).fill(booking.ref_id.toLowerCase());
  await page.getByRole("button", { name: "Track" }).click();
  await expect(page).toHaveURL(`${world.url}/track/${booking.ref_id}`);
  await expect(page.getByText("Booked", { exact: false }).first()).toBeVisible();
  await expect(page.locator("main")).toContainText("TRV");
  expect(await page.content()).not.toContain("Hidden");
  await expect(page.locator('meta[name="robots"]')).toHaveAttribute("content", "noindex");
  await context.close();
});

test("a booking elsewhere moves its flight's bar on the board", async ({ page, world }) => {
  const flight = await world.flight("TRV", "CJB", 80, 1000);
  const operator = await world.operator();
  await signIn(page, operator, `/board?station=TRV&date=${flight.departure_local.slice(0, 10)}`);
  const row = page.locator(`[data-flight="${flight.flight_number}"]`);
  await expect(row).toContainText("1,000 kg left");
  await expect(page.getByText("live", { exact: true })).toBeVisible();
  await world.book(operator, [flight], 400);
  await expect(row).toContainText("600 kg left", { timeout: 2000 });
});

test("at cut-off the row of the board says closed", async ({ page, world }) => {
  const flight = await world.flight("TRV", "CJB", 1, 1000, { cutoff_minutes: 90 });
  const operator = await world.operator();
  await signIn(page, operator, `/board?station=TRV&date=${flight.departure_local.slice(0, 10)}`);
  await expect(page.locator(`[data-flight="${flight.flight_number}"]`)).toContainText("closed");
});
