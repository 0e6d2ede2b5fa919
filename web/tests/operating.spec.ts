import { expect, signIn, test, type Json } from "./world";

test("a smaller aircraft is refused with its shortfall, and after offloading the same numbers happen", async ({
  page,
  world,
}) => {
  const flight = await world.flight("TRV", "CJB", 90, 150_000);
  const customer = await world.customer();
  const admin = await world.adminOfTests();
  const first = await world.book(customer, [flight], 60_000, { volume_m3: 1 });
  const second = await world.book(customer, [flight], 70_000, { volume_m3: 1 });
  await signIn(page, admin, `/flights/${flight.id}`);
  await page.getByRole("button", { name: "Change aircraft" }).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByLabel("Aircraft").selectOption("77X");
  await dialog.getByRole("button", { name: "Show the impact" }).click();
  const shortfall = dialog.locator("[data-shortfall]");
  await expect(shortfall).toContainText("Weight");
  await expect(shortfall).toContainText("kg too much");
  await dialog.getByLabel(new RegExp(first.ref_id)).check();
  await dialog.getByRole("button", { name: "Show the impact" }).click();
  const line = dialog.locator(`[data-booking="${first.ref_id}"]`);
  await expect(line).toContainText("left behind");
  await expect(dialog.locator("[data-impact]")).toHaveAttribute("data-impact", "1");
  await dialog.getByRole("button", { name: "Change aircraft" }).click();
  await expect(dialog).toBeHidden();
  const now = await admin.get(`/api/v1/flights/${flight.id}`);
  expect(now.aircraft_code).toBe("77X");
  expect((await admin.get(`/api/v1/bookings/${first.ref_id}`)).needs_rerouting).toBe(true);
  expect((await admin.get(`/api/v1/bookings/${second.ref_id}`)).needs_rerouting).toBe(false);
});

test("a fault of a new time is said once, at its field", async ({ page, world }) => {
  const flight = await world.flight("TRV", "CJB", 92, 1000);
  await signIn(page, await world.adminOfTests(), `/flights/${flight.id}`);
  await page.getByRole("button", { name: "Change times" }).click();
  const dialog = page.getByRole("dialog");
  const departure = dialog.getByLabel("Departure, local time at TRV");
  const arrival = dialog.getByLabel("Arrival, local time at CJB");
  await expect(departure).not.toHaveValue("");
  await arrival.fill(await departure.inputValue());
  await dialog.getByRole("button", { name: "Show the impact" }).click();
  await expect(arrival).toHaveAttribute("aria-invalid", "true");
  await expect(arrival).toHaveAccessibleDescription(/Must be after the departure\.$/);
  await expect(departure).not.toHaveAttribute("aria-invalid");
  await expect(dialog.getByRole("alert")).toHaveText("Check the marked field.");
  await expect(dialog.locator("[data-impact]")).toHaveCount(0);
});

test("cancelling shows the bookings that then change", async ({ page, world }) => {
  const flight = await world.flight("TRV", "CJB", 95, 1000);
  const customer = await world.customer();
  const admin = await world.adminOfTests();
  const bookings = [];
  for (let count = 0; count < 3; count += 1) bookings.push(await world.book(customer, [flight]));
  await signIn(page, admin, `/flights/${flight.id}`);
  await page.getByRole("button", { name: "Cancel flight" }).click();
  const dialog = page.getByRole("dialog");
  await expect(dialog.locator("[data-impact]")).toHaveAttribute("data-impact", "3");
  const shown = await dialog
    .locator("[data-booking]")
    .evaluateAll((rows) => rows.map((row) => (row as HTMLElement).dataset["booking"]));
  expect(shown).toEqual(bookings.map((booking) => booking.ref_id).sort());
  const answered = page.waitForResponse((answer) => answer.url().endsWith("/cancel"));
  await dialog.getByRole("button", { name: "Cancel flight" }).click();
  const done = (await (await answered).json()) as Json;
  expect(done.bookings_changed).toBe(shown.length);
  for (const ref of shown) {
    const booking = await admin.get(`/api/v1/bookings/${ref}`);
    expect(booking.needs_rerouting, ref).toBe(true);
  }
});

test("a flight that was changed meanwhile gets a new preview", async ({ page, world }) => {
  const flight = await world.flight("TRV", "CJB", 96, 1000);
  const admin = await world.adminOfTests();
  await world.book(admin, [flight]);
  await signIn(page, admin, `/flights/${flight.id}`);
  await page.getByRole("button", { name: "Depart", exact: true }).click();
  const dialog = page.getByRole("dialog");
  await expect(dialog.locator("[data-impact]")).toHaveAttribute("data-impact", "1");
  const changed = await admin.ask("PATCH", `/api/v1/flights/${flight.id}`, { cutoff_minutes: 30 });
  expect(changed.status).toBe(200);
  await dialog.getByRole("button", { name: "Depart", exact: true }).click();
  await expect(dialog.getByRole("alert")).toContainText("changed this flight in the meantime");
  expect((await admin.get(`/api/v1/flights/${flight.id}`)).status).toBe("SCHEDULED");
  await dialog.getByRole("button", { name: "Depart", exact: true }).click();
  await expect(dialog).toBeHidden();
  expect((await admin.get(`/api/v1/flights/${flight.id}`)).status).toBe("DEPARTED");
});

test("a dialog gives the focus back to the button that opened it, or to the heading when that is gone", async ({
  page,
  world,
}) => {
  const flight = await world.flight("TRV", "CJB", 95, 1000);
  await signIn(page, await world.operator(), `/flights/${flight.id}`);
  const opener = page.getByRole("button", { name: "Depart", exact: true });
  const dialog = page.getByRole("dialog");
  await opener.press("Enter");
  await expect(dialog.locator("[data-impact]")).toBeVisible();
  await page.keyboard.press("Escape");
  await expect(dialog).toHaveCount(0);
  await expect(opener).toBeFocused();
  await page.keyboard.press("Enter");
  await dialog.getByRole("button", { name: "Depart", exact: true }).click();
  await expect(dialog).toHaveCount(0);
  await expect(opener).toHaveCount(0);
  await expect(page.getByRole("heading", { level: 1 })).toBeFocused();
});

test("many bookings at once: what was not possible says why and stays ticked", async ({ page, world }) => {
  const flight = await world.flight("TRV", "CJB", 97, 20_000);
  const operator = await world.operator();
  const refs: string[] = [];
  const text = `bulk${flight.flight_number}`;
  for (let count = 0; count < 50; count += 1)
    refs.push((await world.book(operator, [flight], 10, { customer_reference: text })).ref_id);
  const impossible = refs.filter((_, place) => place % 10 === 0);
  for (const ref of impossible) await operator.post(`/api/v1/bookings/${ref}/depart`);
  await signIn(page, operator, `/bookings?q=${text}`);
  await expect(page.locator("tbody tr")).toHaveCount(50);
  await page.getByLabel("Tick all that are shown").check();
  await page.getByRole("button", { name: "Depart …" }).click();
  await expect(page.getByRole("alert")).toContainText(
    "Depart the 50 ticked bookings? Unusual for 45 bookings: Leaves in 4 days.",
  );
  await page.getByRole("button", { name: "Depart", exact: true }).click();
  await expect(page.locator("[data-result]")).toContainText("45 done, 5 not possible");
  await expect(page.locator("[data-result]")).toBeFocused();
  await expect(page.locator("[data-refused] li")).toHaveCount(5);
  for (const ref of impossible) {
    await expect(page.getByLabel(`Tick ${ref}`)).toBeChecked();
    await expect(page.locator("[data-refused]")).toContainText(ref);
  }
  await expect(page.getByText("5 ticked")).toBeVisible();
  for (const ref of refs) expect((await operator.get(`/api/v1/bookings/${ref}`)).status, ref).toBe("DEPARTED");
});

test("a booking that took another route than the one shown is named after many were rerouted", async ({
  page,
  world,
}) => {
  const admin = await world.adminOfTests();
  const [lost, shown, later] = [
    await world.flight("IXZ", "CJB", 96, 1000),
    await world.flight("IXZ", "CJB", 97, 1000),
    await world.flight("IXZ", "CJB", 98, 1000),
  ];
  const booking = await world.book(await world.customer(), [lost]);
  await admin.post(`/api/v1/flights/${lost.id}/cancel`);
  await signIn(page, admin, "/rerouting");
  await expect(page.locator(`[data-booking="${booking.ref_id}"] .option`).first()).toContainText(shown.flight_number);
  await admin.post(`/api/v1/flights/${shown.id}/cancel`);
  await page.getByLabel(`Tick ${booking.ref_id}`).check();
  await page.getByRole("button", { name: "Reroute by the best option" }).click();
  await expect(page.locator("[data-notes]")).toContainText(
    `${booking.ref_id}: The route shown was no longer available; the booking took another one.`,
  );
  expect((await admin.get(`/api/v1/bookings/${booking.ref_id}`)).flight_ids).toEqual([later.id]);
});

test("a customer who types an administrator's address sees that it is not theirs", async ({ page, world }) => {
  const customer = await world.customer();
  await signIn(page, customer, "/bookings");
  await page.goto("/admin/users");
  await expect(page.getByRole("main")).toContainText("No access");
  expect((await customer.ask("GET", "/api/v1/users")).status).toBe(403);
});

test("an administrator finds who changed a flight", async ({ page, world }) => {
  const flight = await world.flight("TRV", "CJB", 98, 1000);
  const admin = await world.adminOfTests();
  await admin.ask("PATCH", `/api/v1/flights/${flight.id}`, { cutoff_minutes: 45 });
  await signIn(page, admin, `/flights/${flight.id}`);
  await page.getByRole("link", { name: "Who changed this flight" }).click();
  const row = page.locator('[data-act="flight.changed"]');
  await expect(row).toContainText(flight.flight_number);
  await expect(row).toContainText(admin.email);
});

test("a user gets another role, and many are disabled", async ({ page, world }) => {
  const [one, two] = [await world.customer(), await world.customer()];
  const admin = await world.adminOfTests();
  const user = (await one.get("/api/v1/auth/me")).id;
  await signIn(page, admin, `/admin/users?q=${encodeURIComponent(one.email)}`);
  await page.getByRole("button", { name: `Change ${one.email}` }).click();
  await page.getByRole("dialog").getByLabel("Role").selectOption("operator");
  await page.getByRole("dialog").getByRole("button", { name: "Save" }).click();
  await expect.poll(async () => (await admin.get(`/api/v1/users/${user}`)).role).toBe("operator");
  await page.getByLabel(`Tick ${one.email}`).check();
  await page.getByRole("button", { name: "Disable", exact: true }).click();
  await expect(page.locator("tbody tr")).toContainText("disabled");
  expect((await admin.get(`/api/v1/users/${user}`)).disabled).toBe(true);
  expect((await two.ask("GET", "/api/v1/auth/me")).status).toBe(200);
});
