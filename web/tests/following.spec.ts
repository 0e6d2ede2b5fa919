import { expect, signIn, test, type Json } from "./world";

test("a booking's page shows a departure without a reload, in the order of its history", async ({ page, world }) => {
  const flight = await world.flight("TRV", "CJB", 60, 1000);
  const customer = await world.customer();
  const operator = await world.operator();
  const booking = await world.book(customer, [flight]);
  await signIn(page, customer, `/bookings/${booking.ref_id}`);
  await expect(page.getByText("live", { exact: true })).toBeVisible();
  await operator.post(`/api/v1/bookings/${booking.ref_id}/depart`);
  await expect(page.getByRole("list", { name: "Timeline" })).toContainText("Departed");
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
  await expect(row).toContainText("600 kg left");
});

test("at cut-off the row of the board says closed", async ({ page, world }) => {
  const flight = await world.flight("TRV", "CJB", 1, 1000, { cutoff_minutes: 90 });
  const operator = await world.operator();
  await signIn(page, operator, `/board?station=TRV&date=${flight.departure_local.slice(0, 10)}`);
  await expect(page.locator(`[data-flight="${flight.flight_number}"]`)).toContainText("closed");
});

test("the map of a booking is loaded when it is seen, and tells flown legs from those ahead", async ({
  page,
  world,
}) => {
  const one = await world.flight("TRV", "CJB", 60, 1000);
  const two = await world.flight("CJB", "BLR", 80, 1000);
  const customer = await world.customer();
  const operator = await world.operator();
  const booking = await world.book(customer, [one, two]);
  await operator.post(`/api/v1/bookings/${booking.ref_id}/depart`);
  await operator.post(`/api/v1/bookings/${booking.ref_id}/arrive`);
  const loaded: string[] = [];
  page.on("request", (request) => {
    if (/\/assets\/land-/.test(request.url())) loaded.push(request.url());
  });
  await page.setViewportSize({ width: 1280, height: 280 });
  await signIn(page, customer, `/bookings/${booking.ref_id}`);
  await expect(page.getByText("live", { exact: true })).toBeVisible();
  expect(loaded, "not before it is seen").toEqual([]);
  const map = page.getByRole("figure", { name: "Map" });
  await map.scrollIntoViewIfNeeded();
  await expect(map.locator("[data-has-land=true] .land").first()).toBeVisible();
  expect(loaded).toHaveLength(1);
  // What is drawn is what the API says, in solid and dashed lines.
  const { legs, current_airport } = await customer.get(`/api/v1/bookings/${booking.ref_id}`);
  expect(legs.map((leg: Json) => leg.status)).toEqual(["ARRIVED", "BOOKED"]);
  const dashes = await map
    .locator("[data-leg]")
    .evaluateAll((all) => all.map((one) => [one.getAttribute("data-leg"), getComputedStyle(one).strokeDasharray]));
  expect(dashes).toEqual([
    ["TRV-CJB", "none"],
    ["CJB-BLR", expect.stringMatching(/px/)],
  ]);
  const told = map.getByRole("img");
  await expect(told).toHaveAccessibleName(
    `Map of the route: TRV to CJB on ${one.flight_number}, flown; CJB to BLR on ${two.flight_number}, ahead. The cargo is at ${current_airport}.`,
  );
  // The stations lie to each other as their coordinates do.
  const places = await Promise.all(["TRV", "CJB", "BLR"].map((code) => customer.get(`/api/v1/airports/${code}`)));
  const shown = await map.locator("text").allTextContents();
  expect(shown).toEqual(["TRV", "CJB", "BLR"]);
  const spots: Json = await map
    .locator("circle.station")
    .evaluateAll((all) => all.map((one) => ({ x: Number(one.getAttribute("cx")), y: Number(one.getAttribute("cy")) })));
  const [south, middle, north] = places;
  const perDegree = (spots[0].y - spots[2].y) / (north.latitude - south.latitude);
  expect(perDegree).toBeGreaterThan(5);
  expect(spots[1].y).toBeCloseTo(spots[0].y - (middle.latitude - south.latitude) * perDegree, 3);
  expect(Math.sign(spots[2].x - spots[1].x)).toBe(Math.sign(north.longitude - middle.longitude));
});

test("a booking's page lists what was sent about it, as the API lets its reader see", async ({
  page,
  world,
  browser,
}) => {
  const [flight, other] = [await world.flight("TRV", "CJB", 61, 1000), await world.flight("TRV", "CJB", 62, 1000)];
  const customer = await world.verifiedCustomer();
  const booking = await world.book(customer, [flight]);
  const second = await world.book(customer, [other]);
  const silent = await world.customer();
  const third = await world.book(silent, [other]);
  for (const one of [booking, second])
    await expect
      .poll(
        async () => (await customer.get("/api/v1/notifications")).find((it: Json) => it.ref_id === one.ref_id)?.status,
      )
      .toBe("SENT");
  await signIn(page, customer, `/bookings/${booking.ref_id}`);
  const part = page.getByRole("region", { name: "Messages" });
  await expect(part.locator("tbody tr")).toHaveCount(1);
  await expect(part.locator("tbody tr")).toContainText("Booking confirmed");
  await expect(part.locator("tbody tr")).toContainText("E-mail");
  await expect(part.locator("tbody tr")).toContainText("sent");
  const told = (await customer.get("/api/v1/notifications")).filter((it: Json) => it.ref_id === booking.ref_id);
  expect(
    await part.locator("[data-message]").evaluateAll((all) => all.map((one) => one.getAttribute("data-message"))),
  ).toEqual(told.map((it: Json) => it.id));
  // The carrier's staff see to whom, with the address masked.
  const operator = await world.operator();
  const context = await browser.newContext({ baseURL: world.url });
  const staff = await context.newPage();
  await signIn(staff, operator, `/bookings/${booking.ref_id}`);
  const [sent] = await operator.get(`/api/v1/admin/notifications?ref_id=${booking.ref_id}`);
  await expect(staff.getByRole("region", { name: "Messages" })).toContainText(sent.address);
  await context.close();
  // Who has no verified address is told nothing, and that is said.
  const context2 = await browser.newContext({ baseURL: world.url });
  const alone = await context2.newPage();
  await signIn(alone, silent, `/bookings/${third.ref_id}`);
  await expect(alone.getByRole("region", { name: "Messages" })).toContainText("You have not been notified");
  expect((await silent.get("/api/v1/notifications")).filter((it: Json) => it.ref_id)).toEqual([]);
  await context2.close();
});

test("a booking's page says what is next, and what is due is paid there", async ({ page, world }) => {
  const flight = await world.flight("TRV", "CJB", 63, 1000);
  const customer = await world.customer();
  const quote = await customer.post("/api/v1/quotes", {
    origin: "TRV",
    destination: "CJB",
    flight_ids: [flight.id],
    weight_kg: 100,
  });
  const booking = await world.book(customer, [flight], 100, { quote_id: quote.id });
  await signIn(page, customer, `/bookings/${booking.ref_id}`);
  await expect(page.locator("[data-next]")).toContainText(`${flight.flight_number} departs from TRV`);
  await page.getByLabel("Pay now").check();
  await page.getByLabel("Test card").selectOption("tok_declined");
  await page.getByRole("button", { name: /^Pay / }).click();
  await expect(page.getByRole("alert")).toContainText(/declined/i);
  await page.getByLabel("Test card").selectOption("tok_ok");
  await page.getByRole("button", { name: /^Pay / }).click();
  await expect(page.getByRole("button", { name: /^Pay / })).toBeHidden();
  await expect
    .poll(async () => (await customer.get(`/api/v1/bookings/${booking.ref_id}`)).payment_status)
    .toBe("COMPLETED");
  expect((await customer.get(`/api/v1/bookings/${booking.ref_id}`)).paid).toEqual(quote.total);
});

test("an unknown number is told in words", async ({ page, world }) => {
  await page.goto("/track/ACB000000001");
  await expect(page.getByRole("alert")).toContainText("No shipment has this number");
  expect((await world.anonymous().ask("GET", "/api/v1/tracking/ACB000000001")).status).toBe(404);
});

test("tracking tells a cancelled flight first, while it is looked at", async ({ page, world }) => {
  const flight = await world.flight("TRV", "CJB", 64, 1000);
  const booking = await world.book(await world.customer(), [flight]);
  await page.goto(`/track/${booking.ref_id}`);
  await expect(page.getByRole("main")).toContainText("The cargo is expected at");
  await expect(page).toHaveTitle(`${booking.ref_id} · TRV–CJB · Loadmaster`);
  await (await world.admin()).post(`/api/v1/flights/${flight.id}/cancel`);
  await expect(page.getByRole("main")).toContainText(
    `${flight.flight_number} is cancelled. The cargo gets another flight`,
  );
});

test("a payment that is confirmed elsewhere is shown without a reload", async ({ page, world }) => {
  const flight = await world.flight("TRV", "CJB", 65, 1000);
  const customer = await world.customer();
  const hold = await customer.post("/api/v1/holds", { flight_ids: [flight.id], weight_kg: 100, pieces: 3 });
  const booking = await customer.post(`/api/v1/holds/${hold.id}/commit`);
  const path = `/api/v1/bookings/${booking.ref_id}/payments`;
  await customer.post(path, { payment_token: "tok_confirm" });
  await signIn(page, customer, `/bookings/${booking.ref_id}`);
  const bill = page.locator("section").filter({ has: page.getByRole("heading", { name: "Price and payments" }) });
  await expect(bill).toContainText("to be confirmed", { timeout: 20_000 });
  const [payment] = await customer.get(path);
  await customer.post(`/api/v1/test-payments/${payment.provider_reference}/confirm`);
  await expect(bill).not.toContainText("to be confirmed", { timeout: 20_000 });
  await expect(bill.getByRole("listitem")).toContainText("paid");
});
